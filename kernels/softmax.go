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
