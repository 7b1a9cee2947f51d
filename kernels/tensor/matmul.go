package tensor

import "github.com/loupe-vl/loupe/kernels"

// MatMul is the product of x, which may lie on the host, with w in the given form, for what is computed beside a model. There is no
// gradient.
func (r *Run) MatMul(x Tensor, w kernels.Placed, form kernels.Form) Tensor {
	x = r.Upload(x)
	rows, cols := x.Rows, w.Cols
	if form&kernels.TransX != 0 {
		rows = x.Cols
	}
	if form&kernels.TransW != 0 {
		cols = w.Rows
	}
	out := r.New(rows, cols)
	if !r.idle() {
		r.dev.MatMul(out.array(), x.array(), w, form)
	}
	return out
}

// AsWeight lets x, which may lie on the host, stand where a weight does.
func (r *Run) AsWeight(x Tensor) kernels.Placed { return r.Upload(x).array().Weight() }
