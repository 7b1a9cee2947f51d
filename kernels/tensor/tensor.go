package tensor

import "github.com/loupe-vl/loupe/kernels"

// Tensor is a float32 matrix of (Rows, Cols) in the memory of a device, or of the host; element (r, c) is float r*Stride+c of Data.
// It may be a view of a wider one: q, k and v are column windows of one qkv product.
type Tensor struct {
	Rows, Cols, Stride int
	Data               kernels.Buffer
	Grad               kernels.Buffer // the gradient, laid out as Data; none where nobody wants it
}

// Of wraps data, which is used and not copied, as a dense tensor of (rows, cols) on the host.
func Of(rows, cols int, data []float32) Tensor {
	return dense(rows, cols, kernels.HostBuffer(data[:rows*cols]))
}

func dense(rows, cols int, data kernels.Buffer) Tensor {
	return Tensor{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// Row is row r of a tensor on the host, Cols long, sharing memory with t. It panics where t is in a device's memory: see Run.Host.
func (t Tensor) Row(r int) []float32 { return t.Data.Host()[r*t.Stride:][:t.Cols] }

// GradRow is row r of the gradient of a tensor on the host.
func (t Tensor) GradRow(r int) []float32 { return t.Grad.Host()[r*t.Stride:][:t.Cols] }

// Floats is the numbers of a dense tensor on the host, row after row, sharing memory with t.
func (t Tensor) Floats() []float32 { return t.Data.Host()[:t.Rows*t.Cols] }

// Slice is the view of rows [lo, hi).
func (t Tensor) Slice(lo, hi int) Tensor {
	if lo >= hi {
		return Tensor{Cols: t.Cols, Stride: t.Stride}
	}
	return t.window(lo*t.Stride, hi-lo, t.Cols)
}

// window is the view of (rows, cols) that begins at an offset of Data.
func (t Tensor) window(at, rows, cols int) Tensor {
	end := at + (rows-1)*t.Stride + cols
	v := Tensor{Rows: rows, Cols: cols, Stride: t.Stride}
	if !t.Data.None() { // else the run has no memory, and an error
		v.Data = t.Data.Slice(at, end)
	}
	if t.HasGrad() {
		v.Grad = t.Grad.Slice(at, end)
	}
	return v
}

// Columns is the view of columns [lo, hi).
func (t Tensor) Columns(lo, hi int) Tensor {
	if t.Rows == 0 || lo >= hi {
		return Tensor{Rows: t.Rows, Cols: max(hi-lo, 0), Stride: t.Stride}
	}
	return t.window(lo, t.Rows, hi-lo)
}

// Reshape reads the same numbers as (rows, cols). t must be dense: the patch merger reads four patches as one row.
func (t Tensor) Reshape(rows, cols int) Tensor {
	return Tensor{Rows: rows, Cols: cols, Stride: cols, Data: t.Data, Grad: t.Grad}
}

// Dense reports whether the rows lie one after the other.
func (t Tensor) Dense() bool { return t.Stride == t.Cols || t.Rows <= 1 }

// HasGrad reports whether t has a gradient.
func (t Tensor) HasGrad() bool { return !t.Grad.None() }

// gradTensor is the gradient of t as a tensor; without memory where there is none.
func (t Tensor) gradTensor() Tensor {
	return Tensor{Rows: t.Rows, Cols: t.Cols, Stride: t.Stride, Data: t.Grad}
}

// array is t as an operand of a device, grad its gradient.
func (t Tensor) array() kernels.Array {
	return kernels.Array{Rows: t.Rows, Cols: t.Cols, Stride: t.Stride, Buffer: t.Data}
}

func (t Tensor) grad() kernels.Array {
	return kernels.Array{Rows: t.Rows, Cols: t.Cols, Stride: t.Stride, Buffer: t.Grad}
}

// Clone is a dense copy on the host of a tensor that lies there, without its gradient.
func (t Tensor) Clone() Tensor {
	out := Of(t.Rows, t.Cols, make([]float32, t.Rows*t.Cols))
	for r := range t.Rows {
		copy(out.Row(r), t.Row(r))
	}
	return out
}
