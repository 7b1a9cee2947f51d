package tensor

import "github.com/loupe-vl/loupe/kernels"

// Norm is the learned part of a layer norm or RMS norm over width columns.
type Norm struct {
	Name         string
	Weight, Bias []float32 // Bias is nil for an RMS norm
	Eps          float32
}

// LayerNorm normalises each row of x to mean 0 and variance 1, then scales and shifts it (Ba et al., arXiv 1607.06450).
func (r *Run) LayerNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.rows(x.Rows, 4*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			kernels.LayerNorm(out.Row(i), x.Row(i), n.Weight, n.Bias, n.Eps)
		}
	})
	return out
}
