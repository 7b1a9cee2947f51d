package tensor

import "github.com/loupe-vl/loupe/kernels"

// QuickGELU is x*sigmoid(1.702x), the activation of the vision blocks.
func (r *Run) QuickGELU(x Tensor) Tensor { return r.each(x, kernels.QuickGELU) }

// GELU is the exact (erf) form, the activation of the patch merger (Hendrycks and Gimpel, arXiv 1606.08415).
func (r *Run) GELU(x Tensor) Tensor { return r.each(x, kernels.GELU) }

// each applies f(dst, x) to each row.
func (r *Run) each(x Tensor, f func(dst, x []float32)) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.rows(x.Rows, 16*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f(out.Row(i), x.Row(i))
		}
	})
	return out
}

// SwiGLU is silu(gate)*up, the gated activation of the decoder (Shazeer, arXiv 2002.05202).
func (r *Run) SwiGLU(gate, up Tensor) Tensor {
	out := r.New(gate.Rows, gate.Cols)
	if r.idle() {
		return out
	}
	r.rows(gate.Rows, 16*gate.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			kernels.SwiGLU(out.Row(i), gate.Row(i), up.Row(i))
		}
	})
	return out
}
