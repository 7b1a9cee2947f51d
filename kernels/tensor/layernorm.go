package tensor

import "github.com/loupe-vl/loupe/kernels"

// Norm is the learned part of a layer norm or RMS norm over width columns, in the memory of the device that computes it.
type Norm struct {
	Name         string
	Weight, Bias kernels.Buffer // an RMS norm has no bias
	Eps          float32

	WeightGrad, BiasGrad kernels.Buffer // gradients to add to; none where the norm does not learn
}

// LayerNorm normalizes each row of x to mean 0 and variance 1, then scales and shifts it (Ba et al., arXiv 1607.06450).
func (r *Run) LayerNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.dev.LayerNorm(out.array(), x.array(), n.Weight, n.Bias, n.Eps)
	if r.taping(!n.WeightGrad.None(), x) {
		out = r.WithGrad(out)
		r.record(func() { r.normBackward(r.dev.LayerNormBackward, x, out, n) })
	}
	return out
}

// normBackward goes back through a norm by what the device has for it.
func (r *Run) normBackward(back func(kernels.NormGrad), x, out Tensor, n *Norm) {
	mean, root := r.New(1, x.Rows), r.New(1, x.Rows)
	dx := r.WithGrad(x) // one that nobody reads, where the weights learn and what comes before does not
	if r.idle() {
		return
	}
	back(kernels.NormGrad{
		DX: dx.grad(), X: x.array(), DY: out.grad(), Weight: n.Weight, Eps: n.Eps,
		DWeight: n.WeightGrad, DBias: n.BiasGrad, Mean: mean.Data, Root: root.Data,
	})
}
