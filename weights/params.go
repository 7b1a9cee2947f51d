package weights

import (
	"bytes"
	"fmt"
	"io/fs"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Params builds the learned parts of a model from the tensors of a checkpoint, and places each on the device that computes with
// it. On the host matrices stay where they lie in the map; vectors, which are small, become float32. It remembers the first error, so that a model's loading reads like the model.
type Params struct {
	source  Source
	devices *DeviceMap
	convert Converter
	err     error
}

// Converter turns the weight of the linear map with that name into what the model computes with, for example 8-bit weights. copied says
// that it no longer needs the memory of w.
type Converter func(name string, w kernels.Matrix) (out kernels.Matrix, copied bool, err error)

// Source is where tensors come from: a checkpoint, or one safetensors file.
type Source interface {
	// Tensor finds a tensor by its published name. It is an error, which names both, if it is missing or has another shape.
	Tensor(name string, shape ...int) (Tensor, error)
	// Has reports whether there is a tensor of that name.
	Has(name string) bool
}

// LinearSource is a Source that may hold weights of linear maps in layouts of their own, such as quantized ones, and that can give the
// memory of tensors back.
type LinearSource interface {
	Source
	// Linear finds the weight, (rows, cols), of the linear map of that name; ok is false where it is stored as the tensor NAME.weight.
	Linear(name string, rows, cols int) (w kernels.Matrix, ok bool, err error)
	// Release says that a copy has taken the place of a tensor.
	Release(name string)
}

// MatrixSource is a Source that gives matrices in a layout of its own in place of tensors.
type MatrixSource interface {
	Source
	// Matrix is the matrix of that name and shape, of shape[0] rows.
	Matrix(name string, shape ...int) kernels.Matrix
}

// NewParams reads from source, for a model on dev. source may be nil where everything is new.
func NewParams(source Source, dev kernels.Device) *Params { return NewParamsOn(source, OneDevice(dev)) }

// NewParamsOn is NewParams for a model whose modules lie on several devices.
func NewParamsOn(source Source, devices *DeviceMap) *Params {
	return &Params{source: source, devices: devices}
}

// Devices says which device computes with which module's weights.
func (p *Params) Devices() *DeviceMap { return p.devices }

// Place puts a weight of the module of that name where its device reads it.
func (p *Params) Place(name string, w kernels.Matrix) kernels.Placed {
	if p.err != nil {
		return kernels.Placed{Matrix: w}
	}
	placed, err := p.devices.Of(name).PlaceWeight(w)
	if err != nil {
		p.err = err
	}
	return placed
}

// PlaceVector puts x, which it may keep, where the device of the module of that name reads it; nil is none.
func (p *Params) PlaceVector(name string, x []float32) (b kernels.Buffer) {
	if p.err == nil && x != nil {
		b, p.err = kernels.PlaceVector(p.devices.Of(name), x)
	}
	return b
}

// Table is Matrix, placed: an embedding.
func (p *Params) Table(name string, shape ...int) kernels.Placed {
	return p.Place(name, p.Matrix(name, shape...))
}

// NewLinear is a linear map of (out, in) with a bias, whose weights are all 0.
func (p *Params) NewLinear(name string, out, in int) *tensor.Linear {
	w := kernels.Matrix{Layout: kernels.F32, F32: make([]float32, out*in), Rows: out, Cols: in, Stride: in}
	return &tensor.Linear{Name: name, W: p.Place(name, w), Bias: p.PlaceVector(name, make([]float32, out))}
}

// Convert makes the weights of linear maps go through c from now on; nil leaves them as they are stored.
func (p *Params) Convert(c Converter) { p.convert = c }

// Err is the first error: a missing or misshapen tensor.
func (p *Params) Err() error { return p.err }

// Matrix is the tensor name of the given shape as a matrix of shape[0] rows.
func (p *Params) Matrix(name string, shape ...int) kernels.Matrix {
	if p.err != nil {
		return kernels.Matrix{}
	}
	if source, ok := p.source.(MatrixSource); ok {
		return source.Matrix(name, shape...)
	}
	t, err := p.source.Tensor(name, shape...)
	if err != nil {
		p.err = err
		return kernels.Matrix{}
	}
	m, err := t.Matrix()
	if err != nil {
		p.err = err
	}
	return m
}

// Tied checks the tensor name, if it is stored at all, to be as bit for bit: some checkpoints write both ends of a tie. Another
// content is an error, since the reference would silently drop it.
func (p *Params) Tied(name, as string, shape ...int) {
	if p.err != nil || !p.source.Has(name) {
		return
	}
	t, err := p.source.Tensor(name, shape...)
	if err != nil {
		p.err = err
		return
	}
	u, err := p.source.Tensor(as, shape...)
	if err != nil {
		p.err = err
		return
	}
	if t.DType != u.DType || !bytes.Equal(t.Data, u.Data) {
		p.err = fmt.Errorf("%s: tensor %q differs from %q, but config.json says tie_word_embeddings: set it to false, or remove the tensor", t.File, t.Stored, u.Stored)
	}
}

// LinearOf is name.weight, of the given shape with the outputs first, and name.bias if bias is set.
func (p *Params) LinearOf(name string, bias bool, shape ...int) *tensor.Linear {
	l := p.linear(name, shape, func() kernels.Placed { return kernels.Placed{Matrix: p.Matrix(name+".weight", shape...)} },
		func(w kernels.Matrix) kernels.Placed { return p.Place(name, w) })
	if bias {
		l.Bias = p.vector(name+".bias", shape[0])
	}
	return l
}

// LinearFrom is the linear map of that name, without a bias, whose stored weight is w, unless the source has it quantized.
func (p *Params) LinearFrom(name string, w kernels.Placed) *tensor.Linear {
	return p.linear(name, []int{w.Rows, w.Cols}, func() kernels.Placed { return w }, func(kernels.Matrix) kernels.Placed { return w })
}

// linear is the linear map of that name: with quantized weights where the source has them, and else those that stored gives, which
// place puts in their place where nothing converts them.
func (p *Params) linear(name string, shape []int, stored func() kernels.Placed, place func(kernels.Matrix) kernels.Placed) *tensor.Linear {
	l := &tensor.Linear{Name: name}
	source, _ := p.source.(LinearSource)
	if source != nil && len(shape) == 2 && p.err == nil {
		w, there, err := source.Linear(name, shape[0], shape[1])
		if p.err = err; there && err == nil {
			l.W = p.Place(name, w)
			return l
		}
	}
	l.W = stored()
	if p.convert == nil || p.err != nil {
		l.W = place(l.W.Matrix)
		return l
	}
	w, copied, err := p.convert(name, l.W.Matrix)
	if err != nil {
		p.err = fmt.Errorf("tensor %q: %w", name+".weight", err)
	}
	if l.W = p.Place(name, w); copied && source != nil {
		source.Release(name + ".weight")
	}
	return l
}

// LayerNorm is name.weight and name.bias.
func (p *Params) LayerNorm(name string, width int, eps float64) *tensor.Norm {
	return &tensor.Norm{Name: name, Weight: p.vector(name+".weight", width), Bias: p.vector(name+".bias", width), Eps: float32(eps)}
}

// RMSNorm is name.weight.
func (p *Params) RMSNorm(name string, width int, eps float64) *tensor.Norm {
	return &tensor.Norm{Name: name, Weight: p.vector(name+".weight", width), Eps: float32(eps)}
}

// vector is Vector, placed.
func (p *Params) vector(name string, n int) kernels.Buffer {
	return p.PlaceVector(name, p.Vector(name, n))
}

// Vector is the tensor name of n elements as float32.
func (p *Params) Vector(name string, n int) []float32 {
	if p.err != nil {
		return nil
	}
	t, err := p.source.Tensor(name, n)
	if err != nil {
		p.err = err
		return nil
	}
	m, err := t.Matrix()
	if err != nil {
		p.err = err
		return nil
	}
	m.Rows, m.Cols, m.Stride = 1, n, n
	out := make([]float32, n)
	m.Row(out, 0)
	return out
}

// Matrix is t as a kernel operand of Shape[0] rows: a convolution's weight is one row for each output.
func (t Tensor) Matrix() (kernels.Matrix, error) {
	if len(t.Shape) == 0 {
		return kernels.Matrix{}, fmt.Errorf("tensor %s has no dimensions, so it is no matrix", t.Name)
	}
	cols := 1
	for _, n := range t.Shape[1:] {
		cols *= n
	}
	m := kernels.Matrix{Rows: t.Shape[0], Cols: cols, Stride: cols}
	switch t.DType {
	case F32:
		m.Layout, m.F32 = kernels.F32, t.F32()
	case BF16:
		m.Layout, m.Bits = kernels.BF16, t.U16()
	case F16:
		m.Layout, m.Bits = kernels.F16, t.U16()
	default:
		return m, fmt.Errorf("tensor %s is %v; loupe computes with F32, BF16 and F16 weights", t.Name, t.DType)
	}
	return m, nil
}

// OpenCheckpointFileFS is OpenCheckpointFile within a file system, such as an embedded one. The file is read into memory.
func OpenCheckpointFileFS(fsys fs.FS, name string) (*Checkpoint, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("open weights: %w", err)
	}
	f, err := NewFile(name, data)
	if err != nil {
		return nil, fmt.Errorf("open weights: %w", err)
	}
	return assemble(".", []*File{f})
}
