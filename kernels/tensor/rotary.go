package tensor

// Rotary holds the cosines and sines of rotary position embedding, each (rows, head_dim/2): row i turns token i, and
// column j turns the pair (j, j+head_dim/2) (Su et al., arXiv 2104.09864; rotate_half of the reference).
type Rotary struct{ Cos, Sin Tensor }

// NewRotary computes the tables from the angles, (rows, head_dim/2) radians, which may lie on the host.
func (r *Run) NewRotary(angles Tensor) Rotary {
	angles = r.Upload(angles)
	rot := Rotary{Cos: r.New(angles.Rows, angles.Cols), Sin: r.New(angles.Rows, angles.Cols)}
	if !r.idle() {
		r.dev.CosSin(rot.Cos.array(), rot.Sin.array(), angles.array())
	}
	return rot
}

// Rotate turns each head of x, (rows, heads*head_dim), by the row's angles: x*cos + rotate_half(x)*sin.
func (r *Run) Rotate(x Tensor, rot Rotary) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.dev.Rotate(out.array(), x.array(), rot.Cos.array(), rot.Sin.array())
	if r.taping(false, x) {
		out, rot := r.WithGrad(out), rot
		r.record(func() { r.dev.RotateBackward(x.grad(), out.grad(), rot.Cos.array(), rot.Sin.array()) })
		return out
	}
	return out
}
