package kernels

// CrossEntropy sets p to the softmax of x and returns -log p[label], from the largest element on, so that it neither
// overflows nor loses a small probability.
func CrossEntropy(e *Engine, p, x []float32, label int) float64 {
	copy(p, x)
	top := e.ArgMax(p)
	e.Softmax(p)
	return float64(x[top]) - float64(x[label]) - Log(float64(p[top]))
}
