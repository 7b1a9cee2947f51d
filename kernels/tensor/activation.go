package tensor

import "github.com/loupe-vl/loupe/kernels"

// QuickGELU is x*sigmoid(1.702x), the activation of the vision blocks.
func (r *Run) QuickGELU(x Tensor) Tensor { return r.activate(kernels.ActivationQuickGELU, x) }

// GELU is the exact (erf) form, the activation of the patch merger (Hendrycks and Gimpel, arXiv 1606.08415).
func (r *Run) GELU(x Tensor) Tensor { return r.activate(kernels.ActivationGELU, x) }

func (r *Run) activate(f kernels.Activation, x Tensor) Tensor {
	out := r.New(x.Rows, x.Cols)
	if r.idle() {
		return out
	}
	r.dev.Activate(f, out.array(), x.array())
	if r.taping(false, x) {
		out = r.WithGrad(out)
		r.record(func() { r.dev.ActivateBackward(f, x.grad(), x.array(), out.grad()) })
	}
	return out
}

// SwiGLU is silu(gate)*up, the gated activation of the decoder (Shazeer, arXiv 2002.05202).
func (r *Run) SwiGLU(gate, up Tensor) Tensor {
	out := r.New(gate.Rows, gate.Cols)
	if r.idle() {
		return out
	}
	r.dev.SwiGLU(out.array(), gate.array(), up.array())
	if r.taping(false, gate, up) {
		out := r.WithGrad(out)
		r.record(func() { r.dev.SwiGLUBackward(gate.grad(), up.grad(), gate.array(), up.array(), out.grad()) })
		return out
	}
	return out
}
