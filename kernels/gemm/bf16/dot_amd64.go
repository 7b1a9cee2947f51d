//go:build !purego

package bf16

import (
	"math"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

// roundLeftDotAVX512 is roundDot by sixteens.
func roundLeftDotAVX512(dst, x []float32) {
	n := len(x) / 16
	if n > 0 {
		roundDotAVX512(n, &dst[0], &x[0])
	}
	roundDot(dst[8*n:], x[16*n:])
}

// roundDot is the roundFunc of kernels that compute by the dot-product instruction. A pair of bfloat16 lies in a float32's place, the even
// step in the low half. len(dst) is half of len(x), rounded up.
func roundDot(dst, x []float32) {
	for i := range dst {
		bits := uint32(roundActivation(x[2*i]))
		if 2*i+1 < len(x) {
			bits |= uint32(roundActivation(x[2*i+1])) << 16
		}
		dst[i] = math.Float32frombits(bits)
	}
}

// packDot is the gemm.PackFunc that goes with roundDot.
func packDot(dst []float32, nr int, m gemm.Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j := range cols {
			at := 2 * (c + j)
			dst[j*nr+i] = math.Float32frombits(uint32(roundedWeight(m, r+i, at)) | uint32(roundedWeight(m, r+i, at+1))<<16)
		}
	}
}
