package weights

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights/disk"
)

// The tensors and the metadata of a quantized checkpoint: see docs/quantized-layout.md. The weight of a linear map NAME is
// stored as NAME.weight.panels, .scales and, of 4 bits, .zeros or .multiples.
const (
	panelsEnd, scalesEnd, zerosEnd, multiplesEnd = ".weight.panels", ".weight.scales", ".weight.zeros", ".weight.multiples"

	precisionKey = "loupe.precision"
	groupKey     = "loupe.int%d.group" // of weights of so many bits; 0: a scale for each row
)

// dataAlign is where the data of a quantized file begins, so that panels, whose sizes are multiples of it, lie in whole cache
// lines of the map.
const dataAlign = 64

// QuantizedLinear is the weight of a linear map that is to be written quantized.
type QuantizedLinear struct {
	Name       string // "model.layers.3.mlp.gate_proj"
	Rows, Cols int
	How        kernels.Quantizing
	Make       func() (*kernels.Panels, error) // called once, when it is written
}

// WriteQuantized writes a checkpoint of that precision: the linear maps in panels that the kernels read where they lie in the
// map, and the rest as it is. It holds one matrix in memory at a time, beside the scales of all.
func WriteQuantized(path, precision string, linears []QuantizedLinear, rest []Named) error {
	metadata := map[string]string{"format": "pt", precisionKey: precision}
	var panels, scales, more []Named
	for _, l := range linears {
		metadata[fmt.Sprintf(groupKey, l.How.Bits)] = strconv.Itoa(l.How.Group)
		p := &kernels.Panels{Bits: l.How.Bits, Group: l.How.GroupOf(l.Cols), Rows: l.Rows, Cols: l.Cols}
		weightShape, scaleShape, multipleShape := p.Shapes()
		panels = append(panels, Named{l.Name + panelsEnd, U8, weightShape, func(w io.Writer) error {
			made, err := l.Make()
			if err != nil {
				return err
			}
			p.Scales, p.Zeros, p.Multiples = made.Scales, made.Zeros, made.Multiples
			_, err = w.Write(made.Weights)
			return err
		}})
		scales = append(scales, Named{l.Name + scalesEnd, F16, scaleShape, func(w io.Writer) error {
			return encode(w, p.Scales, 2, putU16)
		}})
		switch {
		case l.How.ZeroPoints:
			more = append(more, Named{l.Name + zerosEnd, U8, scaleShape, func(w io.Writer) error {
				_, err := w.Write(p.Zeros)
				return err
			}})
		case l.How.Bits == 4:
			more = append(more, Named{l.Name + multiplesEnd, I8, multipleShape, func(w io.Writer) error {
				_, err := w.Write(p.Multiples)
				return err
			}})
		}
	}
	rest = slices.Clone(rest)
	slices.SortStableFunc(rest, byLayout)
	all := slices.Concat(panels, scales, more, rest)
	return disk.WriteFile(path, func(w io.Writer) error { return encodeInOrder(w, all, metadata, dataAlign) })
}

// Precision is what the checkpoint was quantized to, "int8" or "int4"; "" where it was not.
func (c *Checkpoint) Precision() string { return c.Metadata()[precisionKey] }

// Linear implements LinearSource.
func (c *Checkpoint) Linear(name string, rows, cols int) (kernels.Matrix, bool, error) {
	weights, ok := c.tensors[name+panelsEnd]
	if !ok {
		return kernels.Matrix{}, false, nil
	}
	fail := func(format string, a ...any) (kernels.Matrix, bool, error) {
		return kernels.Matrix{}, true, fmt.Errorf("%s: tensor %q: %s; make the model again with `loupe quantize`", weights.File, weights.Stored, fmt.Sprintf(format, a...))
	}
	if c.Precision() == "" {
		return fail("the file's metadata do not name its precision")
	}
	if weights.DType != U8 || len(weights.Shape) != 5 {
		return fail("%s %s is no panel of quantized weights", weights.DType, ShapeString(weights.Shape))
	}
	bits := weights.Shape[2] // 8 or 4 sets of four steps are a block of 32
	group, err := strconv.Atoi(c.Metadata()[fmt.Sprintf(groupKey, bits)])
	if err != nil || group < 0 {
		return fail("the file's metadata do not name the group of weights of %d bits", bits)
	}
	zeros, hasZeros := c.tensors[name+zerosEnd]
	how := kernels.Quantizing{Bits: bits, Group: group, ZeroPoints: hasZeros}
	p := &kernels.Panels{Bits: bits, Group: how.GroupOf(cols), Rows: rows, Cols: cols, Weights: weights.Data}
	parts := []Tensor{weights}
	scales, ok := c.tensors[name+scalesEnd]
	if !ok || scales.DType != F16 {
		return fail("its scales, %s, are missing or not F16", name+scalesEnd)
	}
	parts, p.Scales = append(parts, scales), scales.U16()
	switch multiples, ok := c.tensors[name+multiplesEnd]; {
	case hasZeros:
		if zeros.DType != U8 {
			return fail("its zero points are %s, not U8", zeros.DType)
		}
		parts, p.Zeros = append(parts, zeros), zeros.Data
	case bits == 4:
		if !ok || multiples.DType != I8 {
			return fail("its zero points, %s, or its multiples, %s, are missing or not U8 and I8", name+zerosEnd, name+multiplesEnd)
		}
		parts, p.Multiples = append(parts, multiples), multiples.Data
	}
	if err := p.Check(); err != nil {
		return fail("%v", err)
	}
	weightShape, scaleShape, multipleShape := p.Shapes()
	for i, t := range parts {
		want := scaleShape
		switch {
		case i == 0:
			want = weightShape
		case t.DType == I8:
			want = multipleShape
		}
		if !slices.Equal(t.Shape, want) {
			return fail("shape %s of %s is not %s", ShapeString(t.Shape), t.Stored, ShapeString(want))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range parts {
		c.used[t.Name] = true
	}
	return p.Matrix(), true, nil
}

// PanelPart is the linear map that a tensor of a quantized checkpoint belongs to, and whether it holds its weights, and not their
// scales, zero points or multiples. Of other tensors linear is "".
func PanelPart(name string) (linear string, holdsWeights bool) {
	for _, end := range []string{panelsEnd, scalesEnd, zerosEnd, multiplesEnd} {
		if linear, ok := strings.CutSuffix(name, end); ok {
			return linear, end == panelsEnd
		}
	}
	return "", false
}
