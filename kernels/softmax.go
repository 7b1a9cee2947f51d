package kernels

// Softmax replaces x by e^(x-max) divided by the sum of these, summed in the order of lanes.
func Softmax(x []float32) {
	if len(x) == 0 {
		return
	}
	top := x[ArgMax(x)]
	for i, v := range x {
		x[i] = Exp(v - top)
	}
	sum := Sum(x)
	for i := range x {
		x[i] /= sum
	}
}

// SoftmaxBackward replaces dp, the gradient of Softmax's result p, by that of its argument: p (dp - Σ p dp), summed in the
// order of lanes.
func SoftmaxBackward(dp, p []float32) {
	var l lanes
	l.addProducts(p, dp)
	softmaxBackward(dp, p, l.total())
}

func softmaxBackward(dp, p []float32, dot float32) {
	for i, v := range p {
		dp[i] = v * (dp[i] - dot)
	}
}
