package gemm

import "github.com/loupe-vl/loupe/kernels/num"

// BF16 is the [Layout] of bfloat16 numbers, row after row, in the Bits of a [Matrix].
var BF16 bfloat16Layout

type bfloat16Layout struct{}

func (bfloat16Layout) Bytes(m Matrix) int { return 2 * m.Rows * m.Cols }

func (bfloat16Layout) Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		to := dst[i*stride:][:cols]
		for j, b := range m.Bits[(r+i)*m.Stride+c:][:cols] {
			to[j] = num.BF16ToF32(b)
		}
	}
}

func (l bfloat16Layout) Elements(m Matrix) Elements { return elementsOf(l, m.Bits, m.Stride) }

// packBF16Generic is the plain Go PackFunc of the layout.
func packBF16Generic(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j, b := range m.Bits[(r+i)*m.Stride+c:][:cols] {
			dst[j*nr+i] = num.BF16ToF32(b)
		}
	}
}
