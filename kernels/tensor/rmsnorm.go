package tensor

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// RMSNorm divides each row of x by its root mean square, then scales it (Zhang and Sennrich, arXiv 1910.07467;
// Qwen2RMSNorm).
func (r *Run) RMSNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	type work struct {
		eng    *kernels.Engine
		out, x Tensor
		n      *Norm
	}
	rowsWith(r, x.Rows, 4*x.Cols, work{r.eng, out, x, n}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.RMSNorm(w.out.Row(i), w.x.Row(i), w.n.Weight, w.n.Eps)
		}
	})
	if r.taping(n.WeightGrad != nil, x) {
		out := r.WithGrad(out)
		r.record(func() { r.rmsNormBackward(x, out, n) })
		return out
	}
	return out
}

func (r *Run) rmsNormBackward(x, out Tensor, n *Norm) {
	s := r.newStats(x.Rows)
	dx := r.WithGrad(x)
	r.rows(x.Rows, 8*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s.root[i] = vec.RMSNormBackward(dx.GradRow(i), x.Row(i), n.Weight, out.GradRow(i), n.Eps)
		}
	})
	r.normWeightsBackward(x, out, n, s)
}
