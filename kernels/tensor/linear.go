package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// Linear is y = x Wᵀ + b with W (out, in) where it lies in the file, as torch.nn.Linear keeps it.
type Linear struct {
	Name string         // "model.layers.3.mlp.gate_proj"
	W    kernels.Matrix // (out, in)
	Bias []float32      // out; nil for none
	LoRA *LoRA          // nil for none

	WGrad, BiasGrad []float32 // gradients to add to, dense; nil where W or Bias does not learn
}

// LoRA is a low-rank branch beside a linear: y += Scale * B(A(x)) (Hu et al., arXiv 2106.09685; PEFT's lora.Linear). With a DoRA
// the weight that both make together is then given other lengths of its rows.
type LoRA struct {
	A, B  kernels.Matrix // (rank, in) and (out, rank)
	Scale float32        // alpha/rank, or alpha/sqrt(rank) for rsLoRA
	// Dropout is the part of the inputs that the branch does not see while it learns.
	Dropout float32
	DoRA    *DoRA // nil for none

	AGrad, BGrad []float32 // gradients to add to, dense; nil where the branch does not learn
}

// learns reports whether any part of l has a gradient.
func (l *Linear) learns() bool {
	return l.WGrad != nil || l.BiasGrad != nil || l.LoRA != nil && l.LoRA.AGrad != nil
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
		r.eng.Affine(out.view(), x.view(), l.W, l.Bias)
	}
	in, low := x, Tensor{}
	if l.LoRA != nil {
		if l.LoRA.Dropout > 0 && r.DropoutSeed != 0 {
			in = r.dropped(x, l.Name, l.LoRA.Dropout)
		}
		low = r.New(x.Rows, l.LoRA.A.Rows)
		r.eng.MatMul(low.view(), in.view(), l.LoRA.A, kernels.TransW)
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
	if x.Grad != nil {
		r.eng.MatMul(x.gradTensor().view(), dy.view(), l.W, kernels.Accumulate)
	}
	if l.WGrad != nil {
		r.eng.MatMul(Of(l.W.Rows, l.W.Cols, l.WGrad).view(), dy.transposed(), x.matrix(), kernels.Accumulate)
	}
	r.biasBackward(dy, l)
	if l.LoRA != nil {
		r.loraBackward(x, in, low, dy, l)
	}
}

// biasBackward adds the sum of dy's rows to the gradient of the bias.
func (r *Run) biasBackward(dy Tensor, l *Linear) {
	if l.BiasGrad == nil {
		return
	}
	r.eng.For(len(l.BiasGrad), 256, func(lo, hi int) {
		for i := range dy.Rows {
			r.eng.Add(l.BiasGrad[lo:hi], l.BiasGrad[lo:hi], dy.Row(i)[lo:hi])
		}
	})
}

// branchBackward adds to the gradients of A and B, where they learn, and is that of low, A(in). dy is the gradient of B(low) times
// the scale.
func (r *Run) branchBackward(in, low, dy Tensor, l *LoRA) (dlow Tensor) {
	up := r.New(dy.Rows, dy.Cols)
	r.rows(dy.Rows, dy.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.eng.Scale(up.Row(i), dy.Row(i), l.Scale)
		}
	})
	dlow = r.New(low.Rows, low.Cols)
	r.eng.MatMul(dlow.view(), up.view(), l.B, kernels.Plain)
	if l.AGrad != nil {
		r.eng.MatMul(Of(l.B.Rows, l.B.Cols, l.BGrad).view(), up.transposed(), low.matrix(), kernels.Accumulate)
		r.eng.MatMul(Of(l.A.Rows, l.A.Cols, l.AGrad).view(), dlow.transposed(), in.matrix(), kernels.Accumulate)
	}
	return dlow
}

func (r *Run) loraBackward(x, in, low, dy Tensor, linear *Linear) {
	l := linear.LoRA
	dlow := r.branchBackward(in, low, dy, l)
	switch {
	case x.Grad == nil:
	case l.Dropout > 0 && r.DropoutSeed != 0:
		din := r.New(x.Rows, x.Cols)
		r.eng.MatMul(din.view(), dlow.view(), l.A, kernels.Plain)
		din = r.dropped(din, linear.Name, l.Dropout)
		for i := range din.Rows {
			r.eng.Add(x.GradRow(i), x.GradRow(i), din.Row(i))
		}
	default:
		r.eng.MatMul(x.gradTensor().view(), dlow.view(), l.A, kernels.Accumulate)
	}
}

// addLoRA adds the branch to out; low is A(x).
func (r *Run) addLoRA(out, low Tensor, l *LoRA) {
	mark := r.arena.Mark()
	defer r.arena.Release(mark)
	up := r.New(out.Rows, out.Cols)
	r.eng.MatMul(up.view(), low.view(), l.B, kernels.TransW)
	r.rows(out.Rows, out.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.eng.Scale(up.Row(i), up.Row(i), l.Scale)
			r.eng.Add(out.Row(i), out.Row(i), up.Row(i))
		}
	})
}

// gradTensor is the gradient of t as a tensor.
func (t Tensor) gradTensor() Tensor {
	return Tensor{Rows: t.Rows, Cols: t.Cols, Stride: t.Stride, Data: t.Grad}
}

// transposed is tᵀ where it lies.
func (t Tensor) transposed() kernels.View {
	return kernels.View{Data: t.Data, Rows: t.Cols, Cols: t.Rows, RowStride: 1, ColStride: t.Stride}
}

func (t Tensor) view() kernels.View {
	return kernels.View{Data: t.Data, Rows: t.Rows, Cols: t.Cols, RowStride: t.Stride, ColStride: 1}
}

// matrix lets an activation stand where a weight does: the keys and values of attention.
func (t Tensor) matrix() kernels.Matrix {
	return kernels.Matrix{Layout: kernels.F32, F32: t.Data, Rows: t.Rows, Cols: t.Cols, Stride: t.Stride}
}
