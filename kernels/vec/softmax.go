package vec

import (
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels/num"
)

// Softmax replaces x by e^(x-max) divided by the sum of these, summed in the order of [num.Lanes].
func Softmax(x []float32) {
	if len(x) == 0 {
		return
	}
	top := x[num.ArgMax(x)]
	for i, v := range x {
		x[i] = num.Exp(v - top)
	}
	sum := num.Sum(x)
	for i := range x {
		x[i] /= sum
	}
}

// Softmax is the function Softmax, the same bits.
func (k *Kernels) Softmax(x []float32) {
	n := k.whole(len(x))
	if n == 0 {
		Softmax(x)
		return
	}
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	k.maximumOf(w, x)
	w.a = slices.Max(w.lanes[:])
	w.lanes = num.Lanes{}
	k.expSum(n/width, &x[0], &x[0], &w.a, &w.lanes[0])
	rest := x[n:]
	if len(rest) > 0 { // together with -Inf, whose powers are 0 and change no lane
		for i := copy(w.rest[:], rest); i < width; i++ {
			w.rest[i] = float32(math.Inf(-1))
		}
		k.expSum(1, &w.rest[0], &w.rest[0], &w.a, &w.lanes[0])
	}
	w.a = w.lanes.Total()
	k.divide(n/width, &x[0], &x[0], &w.a)
	if len(rest) > 0 {
		k.divide(1, &w.rest[0], &w.rest[0], &w.a)
		copy(rest, w.rest[:])
	}
}

// SoftmaxBackward replaces dp, the gradient of Softmax's result p, by that of its argument: p (dp - Σ p dp), summed in the
// order of [num.Lanes].
func SoftmaxBackward(dp, p []float32) {
	var l num.Lanes
	l.AddProducts(p, dp)
	softmaxBackward(dp, p, l.Total())
}

func softmaxBackward(dp, p []float32, dot float32) {
	for i, v := range p {
		dp[i] = v * (dp[i] - dot)
	}
}

// SoftmaxBackward is the function SoftmaxBackward, the same bits.
func (k *Kernels) SoftmaxBackward(dp, p []float32) {
	dp = dp[:len(p)]
	n := k.whole(len(p))
	if n == 0 {
		SoftmaxBackward(dp, p)
		return
	}
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	w.lanes = num.Lanes{}
	k.dot(n/width, &p[0], &dp[0], &w.lanes[0])
	w.lanes.AddProducts(p[n:], dp[n:])
	w.a = w.lanes.Total()
	k.softmaxBackward(n/width, &dp[0], &p[0], &w.a)
	softmaxBackward(dp[n:], p[n:], w.a)
}
