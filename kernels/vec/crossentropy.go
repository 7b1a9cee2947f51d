package vec

import "github.com/loupe-vl/loupe/kernels/num"

// CrossEntropy sets p to the softmax of x and returns -log p[label]. It is computed from the largest element on, so that it neither
// overflows nor loses a small probability.
func (k *Kernels) CrossEntropy(p, x []float32, label int) float64 {
	copy(p, x)
	top := k.ArgMax(p)
	k.Softmax(p)
	return float64(x[top]) - float64(x[label]) - num.Log(float64(p[top]))
}
