package kernels

// View is a float32 matrix of (Rows, Cols) with any strides: element (r, c) is Data[r*RowStride+c*ColStride].
type View struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
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
