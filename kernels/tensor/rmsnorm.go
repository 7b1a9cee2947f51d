package tensor

import "github.com/loupe-vl/loupe/kernels"

// RMSNorm divides each row of x by its root mean square, then scales it (Zhang and Sennrich, arXiv 1910.07467;
// Qwen2RMSNorm).
func (r *Run) RMSNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.rows(x.Rows, 4*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			kernels.RMSNorm(out.Row(i), x.Row(i), n.Weight, n.Eps)
		}
	})
	return out
}
