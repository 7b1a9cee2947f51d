package tensor

// Tensor is a float32 matrix of (Rows, Cols); element (r, c) is Data[r*Stride+c]. It may be a view of a wider one: q, k
// and v are column windows of one qkv product.
type Tensor struct {
	Rows, Cols, Stride int
	Data               []float32
	Grad               []float32 // the gradient, laid out as Data; nil where nobody wants it
}

// Of wraps data, which is used and not copied, as a dense tensor of (rows, cols).
func Of(rows, cols int, data []float32) Tensor {
	return Tensor{Rows: rows, Cols: cols, Stride: cols, Data: data[:rows*cols]}
}

// Row is row r, Cols long, sharing memory with t.
func (t Tensor) Row(r int) []float32 { return t.Data[r*t.Stride : r*t.Stride+t.Cols] }

// GradRow is row r of the gradient.
func (t Tensor) GradRow(r int) []float32 { return t.Grad[r*t.Stride : r*t.Stride+t.Cols] }

// gradOrNil is row r of the gradient, nil where there is none.
func (t Tensor) gradOrNil(r int) []float32 {
	if t.Grad == nil {
		return nil
	}
	return t.GradRow(r)
}

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
	v := Tensor{Rows: rows, Cols: cols, Stride: t.Stride, Data: t.Data[at:end]}
	if t.Grad != nil {
		v.Grad = t.Grad[at:end]
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
	out := Of(rows, cols, t.Data)
	out.Grad = t.Grad
	return out
}

// Dense reports whether the rows lie one after the other.
func (t Tensor) Dense() bool { return t.Stride == t.Cols || t.Rows <= 1 }

// Clone is a dense copy in memory of its own, outside any arena.
func (t Tensor) Clone() Tensor {
	out := Of(t.Rows, t.Cols, make([]float32, t.Rows*t.Cols))
	for r := range t.Rows {
		copy(out.Row(r), t.Row(r))
	}
	return out
}
