package weights

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights/disk"
)

// The metadata of a checkpoint that `loupe quantize` made: see docs/quantized-layout.md.
const (
	precisionKey = "loupe.precision"
	groupKey     = "loupe.int%d.group" // of weights of so many bits; 0: a scale for each row
)

// packedScheme is that of `loupe quantize`: the weight of a linear map NAME is stored as the kernels read it, in a tensor for each part.
var packedScheme = scheme{ends: []string{partEnd("panels"), partEnd("scales"), partEnd("zeros"), partEnd("multiples")}, linear: packedLinear}

// partEnd is how the name of the tensor of a part of packed weights goes on after the linear map's.
func partEnd(part string) string { return ".weight." + part }

// dataAlign is where the data of a quantized file begins, so that panels, whose sizes are multiples of it, lie in whole cache
// lines of the map.
const dataAlign = 64

// QuantizedLinear is the weight of a linear map that is to be written quantized.
type QuantizedLinear struct {
	Name       string // "model.layers.3.mlp.gate_proj"
	Rows, Cols int
	How        kernels.Quantizing
	Make       func() (*kernels.PackedWeights, error) // called once, when it is written
}

// WriteQuantized writes a checkpoint of that precision: the linear maps packed as the kernels read them where they lie in the map, and the
// rest as it is. It holds one matrix in memory at a time, beside the scales of all.
func WriteQuantized(path, precision string, linears []QuantizedLinear, rest []Named) error {
	metadata := map[string]string{"format": "pt", precisionKey: precision}
	var byPart [][]Named // the weights of all, then the scales of all, and so on
	for _, l := range linears {
		metadata[fmt.Sprintf(groupKey, l.How.Bits)] = strconv.Itoa(l.How.Group)
		var made *kernels.PackedWeights
		for i, part := range l.How.Packed(l.Rows, l.Cols).Parts() {
			if i == len(byPart) {
				byPart = append(byPart, nil)
			}
			byPart[i] = append(byPart[i], Named{l.Name + partEnd(part.Name), DType(part.DType), part.Shape, func(w io.Writer) (err error) {
				if i == 0 {
					if made, err = l.Make(); err != nil {
						return err
					}
					_, err = w.Write(made.Weights)
					made.Weights = nil
					return err
				}
				part := made.Parts()[i]
				if part.Halves != nil {
					return encode(w, *part.Halves, 2, putU16)
				}
				_, err = w.Write(*part.Bytes)
				return err
			}})
		}
	}
	rest = slices.Clone(rest)
	slices.SortStableFunc(rest, byLayout)
	all := append(slices.Concat(byPart...), rest...)
	return disk.WriteFile(path, func(w io.Writer) error { return encodeInOrder(w, all, metadata, dataAlign) })
}

// Precision is what the checkpoint was quantized to, "int8" or "int4"; "" where it was not.
func (c *Checkpoint) Precision() string { return c.Metadata()[precisionKey] }

// packedLinear is packedScheme's linear.
func packedLinear(c *Checkpoint, _ any, name string, rows, cols int) (kernels.Matrix, []Tensor, error) {
	weights := c.tensors[name+partEnd("panels")]
	fail := func(format string, a ...any) (kernels.Matrix, []Tensor, error) {
		return kernels.Matrix{}, nil, fmt.Errorf("%s: tensor %q: %s; make the model again with `loupe quantize`", weights.File, weights.Stored, fmt.Sprintf(format, a...))
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
	how := kernels.Quantizing{Bits: bits, Group: group, ZeroPoints: c.Has(name + partEnd("zeros"))}
	if err := how.Check(); err != nil {
		return fail("%v", err)
	}
	p := how.Packed(rows, cols)
	var took []Tensor
	for _, part := range p.Parts() {
		t, ok := c.tensors[name+partEnd(part.Name)]
		if !ok || t.DType != DType(part.DType) {
			return fail("its %s, %s, are missing or not %s", part.Name, name+partEnd(part.Name), part.DType)
		}
		took = append(took, t)
	}
	for i, part := range p.Parts() {
		t := took[i]
		if !slices.Equal(t.Shape, part.Shape) {
			return fail("shape %s of %s is not %s", ShapeString(t.Shape), t.Stored, ShapeString(part.Shape))
		}
		if part.Halves != nil {
			*part.Halves = t.U16()
		} else {
			*part.Bytes = t.Data
		}
	}
	if err := p.Check(); err != nil {
		return fail("%v", err)
	}
	return p.Matrix(), took, nil
}
