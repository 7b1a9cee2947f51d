package tensor

// RMSNorm divides each row of x by its root mean square, then scales it (Zhang and Sennrich, arXiv 1910.07467;
// Qwen2RMSNorm).
func (r *Run) RMSNorm(x Tensor, n *Norm) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.dev.RMSNorm(out.array(), x.array(), n.Weight, n.Eps)
	if r.taping(!n.WeightGrad.None(), x) {
		out := r.WithGrad(out)
		r.record(func() { r.normBackward(r.dev.RMSNormBackward, x, out, n) })
		return out
	}
	return out
}
