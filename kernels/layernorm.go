package kernels

// LayerNorm is (x - mean) / sqrt(variance + eps) * weight + bias, with the population's variance in a second pass and the
// quotient as a product by the rounded reciprocal. dst may be x.
func LayerNorm(dst, x, weight, bias []float32, eps float32) {
	mean := Sum(x) / float32(len(x))
	normLayer(dst, x, weight, bias, mean, reciprocalRoot(SumSquares(x, mean)/float32(len(x))+eps))
}

func normLayer(dst, x, weight, bias []float32, mean, r float32) {
	for i, v := range x {
		dst[i] = float32(float32((v-mean)*r)*weight[i]) + bias[i]
	}
}

// LayerNormBackward adds to dx the gradient of LayerNorm's x under dy: with y = (x-mean) r and g = dy weight it is
// r (g - mean(g) - y mean(g y)). It returns the mean and r, the reciprocal root.
func LayerNormBackward(dx, x, weight, dy []float32, eps float32) (mean, r float32) {
	n := float32(len(x))
	mean = Sum(x) / n
	r = reciprocalRoot(SumSquares(x, mean)/n + eps)
	var g, gy lanes
	for i, v := range x {
		d := float32(dy[i] * weight[i])
		g[i%16] += d
		gy[i%16] += float32(d * float32((v-mean)*r))
	}
	meanG, meanGY := g.total()/n, gy.total()/n
	for i, v := range x {
		y := float32((v - mean) * r)
		dx[i] += float32(r * (float32(dy[i]*weight[i]) - meanG - float32(y*meanGY)))
	}
	return mean, r
}
