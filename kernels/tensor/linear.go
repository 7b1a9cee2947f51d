package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// Linear is y = x Wᵀ + b with W (out, in) where it lies in the file, as torch.nn.Linear keeps it.
type Linear struct {
	Name string         // "model.layers.3.mlp.gate_proj"
	W    kernels.Placed // (out, in)
	Bias kernels.Buffer // out; none where there is no bias
	LoRA *LoRA          // nil for none

	WGrad, BiasGrad kernels.Buffer // gradients to add to, dense; none where W or Bias does not learn
}

// LoRA is a low-rank branch beside a linear: y += Scale * B(A(x)) (Hu et al., arXiv 2106.09685; PEFT's lora.Linear). With a DoRA
// the weight that both make together is then given other lengths of its rows.
type LoRA struct {
	A, B  kernels.Placed // (rank, in) and (out, rank)
	Scale float32        // alpha/rank, or alpha/sqrt(rank) for rsLoRA
	// Dropout is the part of the inputs that the branch does not see while it learns.
	Dropout float32
	DoRA    *DoRA // nil for none

	AGrad, BGrad kernels.Buffer // gradients to add to, dense; none where the branch does not learn
}

// learns reports whether any part of l has a gradient.
func (l *Linear) learns() bool {
	return !l.WGrad.None() || !l.BiasGrad.None() || l.LoRA != nil && !l.LoRA.AGrad.None()
}

// Linear maps x, (rows, in), to (rows, out). Each product runs over the inputs in order (law 1), then the bias is added,
// then the LoRA branch.
func (r *Run) Linear(x Tensor, l *Linear) Tensor {
	if l.LoRA != nil && l.LoRA.DoRA != nil {
		return r.linearDoRA(x, l)
	}
	out, known := r.product(x.Rows, l.W.Rows)
	if r.idle() {
		return out
	}
	if x.Cols != l.W.Cols {
		r.Fail(fmt.Errorf("%s takes %d inputs, not %d", l.Name, l.W.Cols, x.Cols))
		return out
	}
	if !known {
		r.dev.Affine(out.array(), x.array(), l.W, l.Bias)
	}
	in, low := x, Tensor{}
	if l.LoRA != nil {
		if l.LoRA.Dropout > 0 && r.DropoutSeed != 0 {
			in = r.dropped(x, l.Name, l.LoRA.Dropout)
		}
		if low = r.New(x.Rows, l.LoRA.A.Rows); r.idle() {
			return out
		}
		r.dev.MatMul(low.array(), in.array(), l.LoRA.A, kernels.TransW)
		if !known {
			r.addLoRA(out, low, l.LoRA)
		}
	}
	if r.taping(l.learns(), x) {
		out = r.WithGrad(out)
		r.record(func() { r.linearBackward(x, in, low, out, l) })
	}
	return out
}

// linearBackward adds dy W to the gradient of x, dyᵀ x to that of W and the sum of dy's rows to that of the bias, and goes
// through the LoRA branch, whose input is in (x, or what dropout leaves of it) and whose inner activations are low.
func (r *Run) linearBackward(x, in, low, out Tensor, l *Linear) {
	dy := out.gradTensor()
	if x.HasGrad() {
		r.dev.MatMul(x.grad(), dy.array(), l.W, kernels.Accumulate)
	}
	if !l.WGrad.None() {
		r.dev.MatMul(dense(l.W.Rows, l.W.Cols, l.WGrad).array(), dy.array(), x.array().Weight(), kernels.TransX|kernels.Accumulate)
	}
	r.biasBackward(dy, l)
	if l.LoRA != nil {
		r.loraBackward(x, in, low, dy, l)
	}
}

// biasBackward adds the sum of dy's rows to the gradient of the bias.
func (r *Run) biasBackward(dy Tensor, l *Linear) {
	if !l.BiasGrad.None() {
		r.dev.SumRows(l.BiasGrad, dy.array())
	}
}

// branchBackward adds to the gradients of A and B, where they learn, and is that of low, A(in). dy is the gradient of B(low) times
// the scale.
func (r *Run) branchBackward(in, low, dy Tensor, l *LoRA) (dlow Tensor) {
	up := r.New(dy.Rows, dy.Cols)
	if dlow = r.New(low.Rows, low.Cols); r.idle() {
		return dlow
	}
	r.dev.Scale(up.array(), dy.array(), l.Scale)
	r.dev.MatMul(dlow.array(), up.array(), l.B, kernels.Plain)
	if !l.AGrad.None() {
		r.dev.MatMul(dense(l.B.Rows, l.B.Cols, l.BGrad).array(), up.array(), low.array().Weight(), kernels.TransX|kernels.Accumulate)
		r.dev.MatMul(dense(l.A.Rows, l.A.Cols, l.AGrad).array(), dlow.array(), in.array().Weight(), kernels.TransX|kernels.Accumulate)
	}
	return dlow
}

func (r *Run) loraBackward(x, in, low, dy Tensor, linear *Linear) {
	l := linear.LoRA
	dlow := r.branchBackward(in, low, dy, l)
	switch {
	case !x.HasGrad() || r.idle():
	case l.Dropout > 0 && r.DropoutSeed != 0:
		din := r.New(x.Rows, x.Cols)
		if r.idle() {
			return
		}
		r.dev.MatMul(din.array(), dlow.array(), l.A, kernels.Plain)
		if din = r.dropped(din, linear.Name, l.Dropout); !r.idle() {
			r.dev.Add(x.grad(), x.grad(), din.array())
		}
	default:
		r.dev.MatMul(x.grad(), dlow.array(), l.A, kernels.Accumulate)
	}
}

// addLoRA adds the branch to out; low is A(x).
func (r *Run) addLoRA(out, low Tensor, l *LoRA) {
	mark := r.arena.Mark()
	defer r.arena.Release(mark)
	up := r.New(out.Rows, out.Cols)
	if r.idle() {
		return
	}
	r.dev.MatMul(up.array(), low.array(), l.B, kernels.TransW)
	r.dev.AddScaled(out.array(), out.array(), up.array(), l.Scale)
}
