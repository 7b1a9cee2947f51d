package tensor

// Tensor is a float32 matrix of (Rows, Cols); element (r, c) is Data[r*Stride+c]. It may be a view of a wider one: q, k
// and v are column windows of one qkv product.
type Tensor struct {
	Rows, Cols, Stride int
	Data               []float32
}

// Of wraps data, which is used and not copied, as a dense tensor of (rows, cols).
func Of(rows, cols int, data []float32) Tensor {
	return Tensor{Rows: rows, Cols: cols, Stride: cols, Data: data[:rows*cols]}
}

// Row is row r, Cols long, sharing memory with t.
func (t Tensor) Row(r int) []float32 { return t.Data[r*t.Stride : r*t.Stride+t.Cols] }

// Slice is the view of rows [lo, hi).
func (t Tensor) Slice(lo, hi int) Tensor {
	if lo >= hi {
		return Tensor{Cols: t.Cols, Stride: t.Stride}
	}
	return Tensor{Rows: hi - lo, Cols: t.Cols, Stride: t.Stride, Data: t.Data[lo*t.Stride : (hi-1)*t.Stride+t.Cols]}
}

// Columns is the view of columns [lo, hi).
func (t Tensor) Columns(lo, hi int) Tensor {
	if t.Rows == 0 || lo >= hi {
		return Tensor{Rows: t.Rows, Cols: max(hi-lo, 0), Stride: t.Stride}
	}
	return Tensor{Rows: t.Rows, Cols: hi - lo, Stride: t.Stride, Data: t.Data[lo : (t.Rows-1)*t.Stride+hi]}
}

// Reshape reads the same numbers as (rows, cols). t must be dense: the patch merger reads four patches as one row.
func (t Tensor) Reshape(rows, cols int) Tensor { return Of(rows, cols, t.Data) }

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
