package kernels

import "math"

// RMSNorm is weight * (x / sqrt(mean(x²) + eps)), with the quotient as a product by the rounded reciprocal, as
// Qwen2RMSNorm has it. dst may be x.
func RMSNorm(dst, x, weight []float32, eps float32) {
	normRMS(dst, x, weight, reciprocalRoot(SumSquares(x, 0)/float32(len(x))+eps))
}

func normRMS(dst, x, weight []float32, r float32) {
	for i, v := range x {
		dst[i] = weight[i] * float32(v*r)
	}
}

// reciprocalRoot is 1/sqrt(x), rounded once.
func reciprocalRoot(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }

// RMSNormBackward adds to dx the gradient of RMSNorm's x under dy: with y = x r, g = dy weight and n columns, it is
// r (g - y Σ(g y) / n). It returns r, the reciprocal root.
func RMSNormBackward(dx, x, weight, dy []float32, eps float32) (r float32) {
	n := float32(len(x))
	r = reciprocalRoot(SumSquares(x, 0)/n + eps)
	var l lanes
	for i, v := range x {
		l[i%16] += float32(float32(dy[i]*weight[i]) * float32(v*r))
	}
	mean := l.total() / n
	for i, v := range x {
		dx[i] += float32(r * (float32(dy[i]*weight[i]) - float32(float32(v*r)*mean)))
	}
	return r
}
