package train

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// The types that merged weights can be written in. MergeBase leaves each tensor the type that it has.
const (
	MergeBase = "base"
	MergeBF16 = "bf16"
	MergeF32  = "f32"
)

// MergeTypes are the names of these types, the default first.
var MergeTypes = []string{MergeBase, MergeBF16, MergeF32}

// Merge writes a model directory without branches: W + scale*B(A), computed in float32 (B A first, each element over the rank
// in order), and then rounded to dtype, the nearest with ties to even, as PEFT's merge_and_unload does but for its
// intermediate roundings. What has no branch is written as it is, or in dtype. The model's score head goes with it. Tensors are
// written one after the other: memory is needed for one.
func Merge(m *loupe.Model, dir, dtype string) (err error) {
	defer weights.CatchFaults(&err)()
	if m.Adapter == nil && dtype == MergeBase {
		return errors.New("there is nothing to merge: give --adapter, or a --dtype to write the weights in")
	}
	if p := m.Checkpoint().Precision(); p != "" {
		return fmt.Errorf("the model was quantised to %s, and merged weights are not: merge into the model that it was made of", p)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make --out: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, weights.SingleName)); err == nil {
		return fmt.Errorf("--out %s holds a model already; name another directory", dir)
	}
	branches := map[string]*tensor.Linear{}
	for _, l := range m.Linears() {
		if l.LoRA != nil {
			branches[l.Name+".weight"] = l
		}
	}
	name := map[string]string{MergeBase: "", MergeBF16: "bfloat16", MergeF32: "float32"}[dtype]
	err = writeModel(dir, m, name, func(t weights.Tensor) weights.Named {
		l := branches[t.Name]
		to := mergedType(t.DType, dtype)
		if l == nil && to == t.DType {
			return weights.FromTensor(t.Name, t)
		}
		return weights.Named{Name: t.Name, DType: to, Shape: t.Shape, Write: func(w io.Writer) error {
			values, err := merged(m.Engine(), t, l)
			if err != nil {
				return err
			}
			return typed(t.Name, to, t.Shape, values).Write(w)
		}}
	})
	if err != nil {
		return err
	}
	if err := writeHead(dir, m); err != nil {
		return err
	}
	return writeTaught(dir, m.Taught)
}

func mergedType(stored weights.DType, dtype string) weights.DType {
	switch dtype {
	case MergeBF16:
		return weights.BF16
	case MergeF32:
		return weights.F32
	}
	return stored
}

// typed is a tensor of float32 values in a type of model weights.
func typed(name string, d weights.DType, shape []int, values []float32) weights.Named {
	switch d {
	case weights.BF16:
		return weights.FromBF16(name, shape, values)
	case weights.F16:
		return weights.FromF16(name, shape, values)
	}
	return weights.FromF32(name, shape, values)
}

// merged is a tensor's values with those of the branch beside it, if there is one.
func merged(e *kernels.Engine, t weights.Tensor, l *tensor.Linear) ([]float32, error) {
	values := make([]float32, t.Len())
	if err := t.Widen(values); err != nil || l == nil {
		return values, err
	}
	b := l.LoRA.B
	left := make([]float32, b.Rows*b.Cols)
	for r := range b.Rows {
		b.Row(left[r*b.Cols:], r)
	}
	cols := l.LoRA.A.Cols
	product := make([]float32, b.Rows*cols)
	e.MatMul(kernels.View{Data: product, Rows: b.Rows, Cols: cols, RowStride: cols, ColStride: 1},
		kernels.View{Data: left, Rows: b.Rows, Cols: b.Cols, RowStride: b.Cols, ColStride: 1}, l.LoRA.A, false, false)
	e.For(len(values), 1<<14, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			values[i] += float32(l.LoRA.Scale * product[i])
		}
	})
	return values, nil
}
