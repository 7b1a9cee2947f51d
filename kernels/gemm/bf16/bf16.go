package bf16

import (
	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/num"
)

// Below these magnitudes activations and weights are rounded to +0: see the package comment.
const (
	tinyActivation = 0x1p-49
	normalWeight   = 0x6000 // exponent bits, of which one is set from 2^-63 on
)

// roundActivation is the bfloat16 nearest to x, ties to even, or +0 below tinyActivation. A NaN stays one.
func roundActivation(x float32) uint16 {
	if x > -tinyActivation && x < tinyActivation {
		return 0
	}
	return num.F32ToBF16(x)
}

// roundWeight is w, or +0 below 2^-63.
func roundWeight(w uint16) uint16 {
	if w&normalWeight == 0 {
		return 0
	}
	return w
}

// roundedWeight is element (r, c) of m, which holds bfloat16, as a product of bfloat16 takes it, 0 beyond its columns.
func roundedWeight(m gemm.Matrix, r, c int) uint16 {
	if c >= m.Cols {
		return 0
	}
	return roundWeight(m.Bits[r*m.Stride+c])
}

// roundFunc rounds a row of the left operand into the steps that kernels take.
type roundFunc func(dst, x []float32)

// roundEmulated is the roundFunc of kernels that compute by FMA: widened again, the two of each pair swapped, so that the odd
// step comes first. len(dst) is len(x), or one more, if that is odd.
func roundEmulated(dst, x []float32) {
	for i := 0; i+1 < len(x); i += 2 {
		dst[i], dst[i+1] = num.BF16ToF32(roundActivation(x[i+1])), num.BF16ToF32(roundActivation(x[i]))
	}
	if n := len(x); n%2 == 1 {
		dst[n-1], dst[n] = 0, num.BF16ToF32(roundActivation(x[n-1]))
	}
}

// packEmulated is the gemm.PackFunc that goes with roundEmulated. Steps are those of dst: (r, c+j) is column (c+j)^1 of m.
func packEmulated(dst []float32, nr int, m gemm.Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j := range cols {
			dst[j*nr+i] = num.BF16ToF32(roundedWeight(m, r+i, (c+j)^1))
		}
	}
}
