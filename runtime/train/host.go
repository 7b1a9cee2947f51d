package train

import (
	"io"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights"
)

// What goes between what learns, in the memory of the model's devices, and files.

// fromBuffer is numbers of a device as a tensor to write. They are downloaded when they are written.
func fromBuffer(name string, shape []int, b kernels.Buffer) weights.Named {
	return later(name, shape, func() ([]float32, error) { return kernels.Floats(b) })
}

// fromWeight is a weight as a float32 tensor of that shape to write.
func fromWeight(name string, shape []int, w kernels.Placed) weights.Named {
	return later(name, shape, func() ([]float32, error) { return kernels.WeightFloats(w) })
}

// later is a float32 tensor to write whose numbers are made when it is written.
func later(name string, shape []int, numbers func() ([]float32, error)) weights.Named {
	return weights.Named{Name: name, DType: weights.F32, Shape: shape, Write: func(w io.Writer) error {
		x, err := numbers()
		if err != nil {
			return err
		}
		return weights.FromF32(name, shape, x).Write(w)
	}}
}

// fill sets a buffer to what f writes.
func fill(b kernels.Buffer, f func(x []float32)) error {
	if b.OnHost() {
		f(b.Host())
		return nil
	}
	x := make([]float32, b.Len())
	f(x)
	return b.Owner().Upload(b.Row(), x)
}

// copied are the values of parameters.
func copied(params []*Param) (out [][]float32, err error) {
	for _, p := range params {
		x := make([]float32, p.Value.Len())
		if err := p.dev.Download(x, p.Value.Row()); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// restored puts values back.
func restored(params []*Param, values [][]float32) error {
	for i, p := range params {
		if err := p.dev.Upload(p.Value.Row(), values[i]); err != nil {
			return err
		}
	}
	return nil
}
