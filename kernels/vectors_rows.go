package kernels

import (
	"math"
	"slices"
)

// Sum is [Sum] by the engine's kernels, the same bits.
func (e *Engine) Sum(x []float32) float32 {
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	return e.sum(w, x)
}

func (e *Engine) sum(w *scalars, x []float32) float32 {
	w.lanes = lanes{}
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.sum(n/width, &x[0], &w.lanes[0])
	}
	w.lanes.add(x[n:])
	return w.lanes.total()
}

// sumSquares is SumSquares, with mean left in w.a.
func (e *Engine) sumSquares(w *scalars, x []float32, mean float32) float32 {
	w.lanes, w.a = lanes{}, mean
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.sumSquares(n/width, &x[0], &w.a, &w.lanes[0])
	}
	w.lanes.addSquares(x[n:], mean)
	return w.lanes.total()
}

// RMSNorm is [RMSNorm] by the engine's kernels, the same bits.
func (e *Engine) RMSNorm(dst, x, weight []float32, eps float32) {
	dst, weight = dst[:len(x)], weight[:len(x)]
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.b = reciprocalRoot(e.sumSquares(w, x, 0)/float32(len(x)) + eps)
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.normRMS(n/width, &dst[0], &x[0], &weight[0], &w.b)
	}
	normRMS(dst[n:], x[n:], weight[n:], w.b)
}

// LayerNorm is [LayerNorm] by the engine's kernels, the same bits.
func (e *Engine) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	dst, weight, bias = dst[:len(x)], weight[:len(x)], bias[:len(x)]
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.b = reciprocalRoot(e.sumSquares(w, x, e.sum(w, x)/float32(len(x)))/float32(len(x)) + eps)
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.normLayer(n/width, &dst[0], &x[0], &weight[0], &bias[0], &w.a, &w.b)
	}
	normLayer(dst[n:], x[n:], weight[n:], bias[n:], w.a, w.b)
}

// Softmax is [Softmax] by the engine's kernels, the same bits.
func (e *Engine) Softmax(x []float32) {
	n := e.whole(len(x))
	if n == 0 {
		Softmax(x)
		return
	}
	v := e.path.vec
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	v.lanesMax(w, x)
	w.a = slices.Max(w.lanes[:])
	w.lanes = lanes{}
	v.exponents(n/width, &x[0], &x[0], &w.a, &w.lanes[0])
	rest := x[n:]
	if len(rest) > 0 { // together with -Inf, whose powers are 0 and change no lane
		for i := copy(w.rest[:], rest); i < width; i++ {
			w.rest[i] = float32(math.Inf(-1))
		}
		v.exponents(1, &w.rest[0], &w.rest[0], &w.a, &w.lanes[0])
	}
	w.a = w.lanes.total()
	v.divide(n/width, &x[0], &x[0], &w.a)
	if len(rest) > 0 {
		v.divide(1, &w.rest[0], &w.rest[0], &w.a)
		copy(rest, w.rest[:])
	}
}

// SoftmaxBackward is [SoftmaxBackward] by the engine's kernels, the same bits.
func (e *Engine) SoftmaxBackward(dp, p []float32) {
	dp = dp[:len(p)]
	n := e.whole(len(p))
	if n == 0 {
		SoftmaxBackward(dp, p)
		return
	}
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.lanes = lanes{}
	e.path.vec.products(n/width, &p[0], &dp[0], &w.lanes[0])
	w.lanes.addProducts(p[n:], dp[n:])
	w.a = w.lanes.total()
	e.path.vec.softmaxBackward(n/width, &dp[0], &p[0], &w.a)
	softmaxBackward(dp[n:], p[n:], w.a)
}
