package gemm

// F32 is the [Layout] of float32 numbers, row after row, in the F32 of a [Matrix].
var F32 float32Layout

type float32Layout struct{}

func (float32Layout) Bytes(m Matrix) int { return 4 * m.Rows * m.Cols }

func (float32Layout) Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		copy(dst[i*stride:][:cols], m.F32[(r+i)*m.Stride+c:][:cols])
	}
}

func (l float32Layout) Elements(m Matrix) Elements { return elementsOf(l, m.F32, m.Stride) }

// packF32Generic is the plain Go PackFunc of the layout.
func packF32Generic(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j, v := range m.F32[(r+i)*m.Stride+c:][:cols] {
			dst[j*nr+i] = v
		}
	}
}
