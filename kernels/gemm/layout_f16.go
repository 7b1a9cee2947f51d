package gemm

import "github.com/loupe-vl/loupe/kernels/num"

// F16 is the [Layout] of IEEE half precision numbers, row after row, in the Bits of a [Matrix].
var F16 float16Layout

type float16Layout struct{}

func (float16Layout) Bytes(m Matrix) int { return 2 * m.Rows * m.Cols }

func (float16Layout) Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		to := dst[i*stride:][:cols]
		for j, b := range m.Bits[(r+i)*m.Stride+c:][:cols] {
			to[j] = num.F16ToF32(b)
		}
	}
}

func (l float16Layout) Elements(m Matrix) Elements { return elementsOf(l, m.Bits, m.Stride) }

// packF16Generic is the plain Go PackFunc of the layout.
func packF16Generic(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j, b := range m.Bits[(r+i)*m.Stride+c:][:cols] {
			dst[j*nr+i] = num.F16ToF32(b)
		}
	}
}
