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
		for c, v := range x.Row(i) {
			sum[c] += v
		}
	}
	for c := range sum {
		sum[c] /= float32(x.Rows)
	}
	return out
}
