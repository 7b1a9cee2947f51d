package vec

import (
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
)

// RMSNorm is weight * (x / sqrt(mean(x²) + eps)), with the quotient as a product by the rounded reciprocal, as
// Qwen2RMSNorm has it. dst may be x.
func RMSNorm(dst, x, weight []float32, eps float32) {
	rmsNorm(dst, x, weight, reciprocalRoot(num.SumSquares(x, 0)/float32(len(x))+eps))
}

func rmsNorm(dst, x, weight []float32, r float32) {
	for i, v := range x {
		dst[i] = weight[i] * float32(v*r)
	}
}

// reciprocalRoot is 1/sqrt(x), rounded once.
func reciprocalRoot(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }

// RMSNorm is the function RMSNorm, the same bits.
func (k *Kernels) RMSNorm(dst, x, weight []float32, eps float32) {
	dst, weight = dst[:len(x)], weight[:len(x)]
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.b = reciprocalRoot(k.sumSquaresOf(w, x, 0)/float32(len(x)) + eps)
	n := k.whole(len(x))
	if n > 0 {
		k.rmsNorm(n/width, &dst[0], &x[0], &weight[0], &w.b)
	}
	rmsNorm(dst[n:], x[n:], weight[n:], w.b)
}

// RMSNormBackward adds to dx the gradient of RMSNorm's x under dy: with y = x r, g = dy weight and n columns, it is
// r (g - y Σ(g y) / n). It returns r, the reciprocal root.
func RMSNormBackward(dx, x, weight, dy []float32, eps float32) (r float32) {
	n := float32(len(x))
	r = reciprocalRoot(num.SumSquares(x, 0)/n + eps)
	var l num.Lanes
	for i, v := range x {
		l[i%16] += float32(float32(dy[i]*weight[i]) * float32(v*r))
	}
	mean := l.Total() / n
	for i, v := range x {
		dx[i] += float32(r * (float32(dy[i]*weight[i]) - float32(float32(v*r)*mean)))
	}
	return r
}
