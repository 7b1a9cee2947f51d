package vec

import "github.com/loupe-vl/loupe/kernels/num"

// LayerNorm is (x - mean) / sqrt(variance + eps) * weight + bias, with the population's variance in a second pass and the
// quotient as a product by the rounded reciprocal. dst may be x.
func LayerNorm(dst, x, weight, bias []float32, eps float32) {
	mean := num.Sum(x) / float32(len(x))
	layerNorm(dst, x, weight, bias, mean, reciprocalRoot(num.SumSquares(x, mean)/float32(len(x))+eps))
}

func layerNorm(dst, x, weight, bias []float32, mean, r float32) {
	for i, v := range x {
		dst[i] = float32(float32((v-mean)*r)*weight[i]) + bias[i]
	}
}

// LayerNorm is the function LayerNorm, the same bits.
func (k *Kernels) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	dst, weight, bias = dst[:len(x)], weight[:len(x)], bias[:len(x)]
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.b = reciprocalRoot(k.sumSquaresOf(w, x, k.sumOf(w, x)/float32(len(x)))/float32(len(x)) + eps)
	n := k.whole(len(x))
	if n > 0 {
		k.layerNorm(n/width, &dst[0], &x[0], &weight[0], &bias[0], &w.a, &w.b)
	}
	layerNorm(dst[n:], x[n:], weight[n:], bias[n:], w.a, w.b)
}

// LayerNormBackward adds to dx the gradient of LayerNorm's x under dy: with y = (x-mean) r and g = dy weight it is
// r (g - mean(g) - y mean(g y)). It returns the mean and r, the reciprocal root.
func LayerNormBackward(dx, x, weight, dy []float32, eps float32) (mean, r float32) {
	n := float32(len(x))
	mean = num.Sum(x) / n
	r = reciprocalRoot(num.SumSquares(x, mean)/n + eps)
	var g, gy num.Lanes
	for i, v := range x {
		d := float32(dy[i] * weight[i])
		g[i%16] += d
		gy[i%16] += float32(d * float32((v-mean)*r))
	}
	meanG, meanGY := g.Total()/n, gy.Total()/n
	for i, v := range x {
		y := float32((v - mean) * r)
		dx[i] += float32(r * (float32(dy[i]*weight[i]) - meanG - float32(y*meanGY)))
	}
	return mean, r
}
