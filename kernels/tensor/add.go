package tensor

import "github.com/loupe-vl/loupe/kernels"

// Add is a + b, element by element: the residual connection.
func (r *Run) Add(a, b Tensor) Tensor {
	out := r.New(a.Rows, a.Cols)
	if r.idle() {
		return out
	}
	type work struct {
		eng       *kernels.Engine
		out, a, b Tensor
	}
	rowsWith(r, a.Rows, a.Cols, work{r.eng, out, a, b}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.Add(w.out.Row(i), w.a.Row(i), w.b.Row(i))
		}
	})
	if r.taping(false, a, b) {
		out := r.WithGrad(out)
		r.record(func() {
			a.addGrad(r, out)
			b.addGrad(r, out)
		})
		return out
	}
	return out
}
