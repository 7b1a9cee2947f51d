package tensor

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// QuickGELU is x*sigmoid(1.702x), the activation of the vision blocks.
func (r *Run) QuickGELU(x Tensor) Tensor {
	return r.each(x, r.eng.QuickGELU, r.eng.QuickGELUBackward)
}

// GELU is the exact (erf) form, the activation of the patch merger (Hendrycks and Gimpel, arXiv 1606.08415).
func (r *Run) GELU(x Tensor) Tensor { return r.each(x, r.eng.GELU, vec.GELUBackward) }

// each applies f(dst, x) to each row, and back(dx, x, dy) to its gradient.
func (r *Run) each(x Tensor, f func(dst, x []float32), back func(dx, x, dy []float32)) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.rows(x.Rows, 16*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f(out.Row(i), x.Row(i))
		}
	})
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() {
			r.rows(x.Rows, 32*x.Cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					back(x.GradRow(i), x.Row(i), out.GradRow(i))
				}
			})
		})
	}
	return out
}

// SwiGLU is silu(gate)*up, the gated activation of the decoder (Shazeer, arXiv 2002.05202).
func (r *Run) SwiGLU(gate, up Tensor) Tensor {
	out := r.New(gate.Rows, gate.Cols)
	if r.idle() {
		return out
	}
	type work struct {
		eng           *kernels.Engine
		out, gate, up Tensor
	}
	rowsWith(r, gate.Rows, 16*gate.Cols, work{r.eng, out, gate, up}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.SwiGLU(w.out.Row(i), w.gate.Row(i), w.up.Row(i))
		}
	})
	if r.taping(false, gate, up) {
		out := r.WithGrad(out)
		r.record(func() {
			r.rows(out.Rows, 32*out.Cols, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					r.eng.SwiGLUBackward(gate.gradOrNil(i), up.gradOrNil(i), gate.Row(i), up.Row(i), out.GradRow(i))
				}
			})
		})
		return out
	}
	return out
}
