package gemm

// View is a float32 matrix of (Rows, Cols) with any strides: element (r, c) is Data[r*RowStride+c*ColStride].
type View struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
}

// Part is rows [r, r+rows) and columns [c, c+cols) of v.
func (v View) Part(r, rows, c, cols int) View {
	if v.Rows, v.Cols = rows, cols; rows > 0 && cols > 0 {
		v.Data = v.Data[r*v.RowStride+c*v.ColStride:]
	}
	return v
}

// ToEdge copies v to the beginning of a whole tile whose rows are stride apart, and FromEdge copies it back: where a tile reaches
// beyond the edge of a result, it is computed in such a copy. The columns of v lie side by side.
func (v View) ToEdge(edge []float32, stride int) {
	for r := range v.Rows {
		copy(edge[r*stride:], v.Data[r*v.RowStride:][:v.Cols])
	}
}

// FromEdge is the inverse of ToEdge.
func (v View) FromEdge(edge []float32, stride int) {
	for r := range v.Rows {
		copy(v.Data[r*v.RowStride:][:v.Cols], edge[r*stride:])
	}
}

// Clear sets columns [lo, hi) to 0.
func (v View) Clear(lo, hi int) {
	for r := range v.Rows {
		clear(v.Data[r*v.RowStride+lo : r*v.RowStride+hi])
	}
}

// Matrix is a read-only matrix of (Rows, Cols) where it lies, in some [Layout].
type Matrix struct {
	Layout             Layout
	F32                []float32 // the numbers of layout F32
	Bits               []uint16  // those of 16 bits: BF16 and F16
	Rows, Cols, Stride int       // of layouts of one number after the other, element (r, c) is number r*Stride+c
}

// Row sets dst, Cols long, to row r in float32.
func (m Matrix) Row(dst []float32, r int) { m.Layout.Dequantize(dst, m.Cols, m, r, 1, 0, m.Cols) }

// Bytes is the memory that m takes.
func (m Matrix) Bytes() int { return m.Layout.Bytes(m) }
