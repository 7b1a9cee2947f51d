package tensor

import "github.com/loupe-vl/loupe/kernels/vec"

// Norm is the learned part of a layer norm or RMS norm over width columns.
type Norm struct {
	Name         string
	Weight, Bias []float32 // Bias is nil for an RMS norm
	Eps          float32

	WeightGrad, BiasGrad []float32 // gradients to add to; nil where the norm does not learn
}

// LayerNorm normalizes each row of x to mean 0 and variance 1, then scales and shifts it (Ba et al., arXiv 1607.06450).
func (r *Run) LayerNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.rows(x.Rows, 4*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.eng.LayerNorm(out.Row(i), x.Row(i), n.Weight, n.Bias, n.Eps)
		}
	})
	if r.taping(n.WeightGrad != nil, x) {
		out = r.WithGrad(out)
		r.record(func() { r.layerNormBackward(x, out, n) })
	}
	return out
}

func (r *Run) layerNormBackward(x, out Tensor, n *Norm) {
	s := r.newStats(x.Rows)
	dx := r.WithGrad(x) // one that nobody reads, where the weights learn and what comes before does not
	r.rows(x.Rows, 8*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			s.mean[i], s.root[i] = vec.LayerNormBackward(dx.GradRow(i), x.Row(i), n.Weight, out.GradRow(i), n.Eps)
		}
	})
	r.normWeightsBackward(x, out, n, s)
}

// stats are the mean and the reciprocal root of each row of a norm.
type stats struct{ mean, root []float32 }

func (r *Run) newStats(rows int) stats {
	s := stats{r.arena.Floats(rows), r.arena.Floats(rows)}
	clear(s.mean)
	return s
}

// normWeightsBackward adds to the gradients of the norm's weight and bias, if it learns: column by column, the rows in order.
func (r *Run) normWeightsBackward(x, out Tensor, n *Norm, s stats) {
	if n.WeightGrad == nil {
		return
	}
	r.eng.For(x.Cols, 64, func(lo, hi int) {
		for i := range x.Rows {
			dy := out.GradRow(i)
			for c, v := range x.Row(i)[lo:hi] {
				n.WeightGrad[lo+c] += float32(dy[lo+c] * float32((v-s.mean[i])*s.root[i]))
			}
			if n.BiasGrad != nil {
				r.eng.Add(n.BiasGrad[lo:hi], n.BiasGrad[lo:hi], dy[lo:hi])
			}
		}
	})
}
