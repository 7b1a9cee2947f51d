package tensor

// MeanRows is the mean of the rows of x, (1, cols): each column is summed in row order, then divided by the number of
// rows, so that a linear head over it splits exactly into a contribution of each row.
func (r *Run) MeanRows(x Tensor) Tensor {
	out := r.New(1, x.Cols)
	if r.idle() {
		return out
	}
	sum := out.Row(0)
	clear(sum)
	for i := range x.Rows {
		r.eng.Add(sum, sum, x.Row(i))
	}
	for c := range sum {
		sum[c] /= float32(x.Rows)
	}
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() {
			for i := range x.Rows {
				dx := x.GradRow(i)
				for c, d := range out.Grad {
					dx[c] += d / float32(x.Rows)
				}
			}
		})
	}
	return out
}
