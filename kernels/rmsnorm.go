package kernels

import "math"

// RMSNorm is weight * (x / sqrt(mean(x²) + eps)), with the quotient as a product by the rounded reciprocal, as
// Qwen2RMSNorm has it. dst may be x.
func RMSNorm(dst, x, weight []float32, eps float32) {
	r := reciprocalRoot(SumSquares(x, 0)/float32(len(x)) + eps)
	for i, v := range x {
		dst[i] = weight[i] * float32(v*r)
	}
}

// reciprocalRoot is 1/sqrt(x), rounded once.
func reciprocalRoot(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }
