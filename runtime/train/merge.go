package train

import (
	"context"
	"fmt"
	"io"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
	"github.com/loupe-vl/loupe/weights/option"
)

// The dtypes of merged weights. MergeBase keeps the dtype of each tensor.
const (
	MergeBase = "base"
	MergeBF16 = "bf16"
	MergeF32  = "f32"
)

// MergeTypes are the names of these types, the default first.
var MergeTypes = []string{MergeBase, MergeBF16, MergeF32}

// Merge writes a model directory whose weights are W + scale*B A, with the branches merged in. The sum is computed in
// float32 (B A first, each element over the rank in order; with DoRA times m/‖W + scale*B A‖) and rounded to dtype, to
// nearest with ties to even. PEFT's merge_and_unload does the same, with intermediate roundings. Modules that the adapter
// saves in full replace those of the base. All other tensors are written as they are, or in dtype. If only one end of a tie
// is adapted, lm_head is written on its own. The score head goes along. One tensor is in memory at a time. On any error,
// and if ctx is canceled, nothing is left at dir. progress may be given; it is told how many of how many tensors are
// written.
func Merge(ctx context.Context, m *loupe.Model, dir, dtype string, progress ...func(done, of int)) (err error) {
	defer weights.CatchFaults(&err)()
	if m.Adapter == nil && dtype == MergeBase {
		return &option.Error{Field: "Options.Adapter", Fault: "there is nothing to merge", Want: "give Options.Adapter, or a type as train.MergeBF16 to write the weights in"}
	}
	if p := m.Stored().Checkpoint().Precision(); p != "" {
		return fmt.Errorf("the model was quantized to %s, and merged weights are not: merge into the model that it was made of", p)
	}
	out, err := disk.CreateDir(dir)
	if err != nil {
		return err
	}
	defer out.Abort() // does nothing after Commit
	linears := map[string]*tensor.Linear{}
	for _, l := range m.Learner().Adaptable() {
		linears[l.Name+".weight"] = l
	}
	name := map[string]string{MergeBase: "", MergeBF16: "bfloat16", MergeF32: "float32"}[dtype]
	done, of := 0, len(m.Stored().Checkpoint().Tensors())
	told := func(n weights.Named) weights.Named {
		write := n.Write
		n.Write = func(file io.Writer) error {
			err := write(file)
			done++
			for _, tell := range progress {
				tell(min(done, of), of)
			}
			return err
		}
		return n
	}
	err = writeModel(out.Temp, m, name, untied(m), func(t weights.Tensor) weights.Named {
		to, name := mergedType(t.DType, dtype), t.Name
		if own, ok := m.Learner().Replaced(name); ok {
			t = own
		}
		w := merging{m: m, embedding: name == "model.embed_tokens.weight" && m.Decoder.EmbedLoRA != nil}
		if l := linears[name]; l != nil && l.LoRA != nil {
			w.linear = l
		}
		if !w.embedding && w.linear == nil && to == t.DType {
			return told(weights.FromTensor(name, t))
		}
		return told(weights.Named{Name: name, DType: to, Shape: t.Shape, Write: func(file io.Writer) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			values, err := w.values(t)
			if err != nil {
				return err
			}
			return typed(name, to, t.Shape, values).Write(file)
		}})
	})
	if err == nil {
		err = writeHead(out.Temp, m)
	}
	if err == nil {
		err = writeTaught(out.Temp, m.Taught)
	}
	if err == nil {
		err = m.Stored().Unchanged()
	}
	if err != nil {
		return err
	}
	return out.Commit()
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

// untied reports whether the adapter makes lm_head differ from the embedding that it is tied to.
func untied(m *loupe.Model) bool {
	embed, _ := m.Learner().Replaced("model.embed_tokens.weight")
	head, _ := m.Learner().Replaced("lm_head.weight")
	return m.Config.Text.TieWordEmbeddings && (m.Decoder.EmbedLoRA != nil || m.Decoder.LMHead.LoRA != nil || embed.Stored != head.Stored)
}

// merging is a weight with the branch beside it, if there is one.
type merging struct {
	m         *loupe.Model
	linear    *tensor.Linear // nil: no branch
	embedding bool           // the branch beside the embedding
}

// values are the numbers of a tensor with the branch merged in.
func (w merging) values(t weights.Tensor) ([]float32, error) {
	values := make([]float32, t.Len())
	if err := t.Widen(values); err != nil {
		return values, err
	}
	switch {
	case w.linear != nil:
		l := w.linear.LoRA
		if err := addProduct(w.m.Learner().DeviceOf(w.linear.Name), values, l.B, l.A, l.Scale); err != nil {
			return nil, err
		}
		if l.DoRA != nil {
			cols := l.A.Cols
			gain, err := kernels.Floats(l.DoRA.Gain())
			if err != nil {
				return nil, err
			}
			for r, g := range gain {
				for i := range values[r*cols:][:cols] {
					values[r*cols+i] *= g
				}
			}
		}
	case w.embedding:
		table, err := w.m.Decoder.EmbedLoRA.Table(w.m.Learner().DeviceOf("model.embed_tokens"), w.m.Decoder.Embed)
		return table.F32, err
	}
	return values, nil
}

// addProduct adds scale*B A to values.
func addProduct(dev kernels.Device, values []float32, b, a kernels.Placed, scale float32) error {
	left, err := kernels.WeightFloats(b)
	if err != nil {
		return err
	}
	arrays := make([]kernels.Array, 3) // B, B A, and the values
	for i, x := range [][]float32{left, nil, values} {
		cols := a.Cols
		if i == 0 {
			cols = b.Cols
		}
		memory, err := dev.Alloc(b.Rows * cols)
		if err != nil {
			return err
		}
		arrays[i] = kernels.Array{Rows: b.Rows, Cols: cols, Stride: cols, Buffer: memory}
		if x == nil {
			continue
		}
		if err := dev.Upload(arrays[i], x); err != nil {
			return err
		}
	}
	dev.MatMul(arrays[1], arrays[0], a, kernels.Plain)
	dev.AddScaled(arrays[2], arrays[2], arrays[1], scale)
	return dev.Download(values, arrays[2])
}
