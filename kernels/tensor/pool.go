package tensor

// MeanRows is the mean of the rows of x, (1, cols): each column is summed in row order, then divided by the number of
// rows, so that a linear head over it splits exactly into a contribution of each row.
func (r *Run) MeanRows(x Tensor) Tensor {
	out := r.New(1, x.Cols)
	if r.idle() {
		return out
	}
	r.dev.MeanRows(out.array(), x.array())
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() { r.dev.MeanRowsBackward(x.grad(), out.grad()) })
	}
	return out
}
