package kernels

// LayerNorm is (x - mean) / sqrt(variance + eps) * weight + bias, with the population's variance in a second pass and the
// quotient as a product by the rounded reciprocal. dst may be x.
func LayerNorm(dst, x, weight, bias []float32, eps float32) {
	mean := Sum(x) / float32(len(x))
	r := reciprocalRoot(SumSquares(x, mean)/float32(len(x)) + eps)
	for i, v := range x {
		dst[i] = float32(float32((v-mean)*r)*weight[i]) + bias[i]
	}
}
