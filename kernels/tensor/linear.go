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
}

// LoRA is a low-rank branch beside a linear: y += Scale * B(A(x)) (Hu et al., arXiv 2106.09685; PEFT's lora.Linear).
type LoRA struct {
	A, B  kernels.Matrix // (rank, in) and (out, rank)
	Scale float32        // alpha/rank, or alpha/sqrt(rank) for rsLoRA
}

// Linear maps x, (rows, in), to (rows, out). Each product runs over the inputs in order (law 1), then the bias is added,
// then the LoRA branch.
func (r *Run) Linear(x Tensor, l *Linear) Tensor {
	out := r.New(x.Rows, l.W.Rows)
	if r.idle() {
		return out
	}
	if x.Cols != l.W.Cols {
		r.Fail(fmt.Errorf("%s takes %d inputs, not %d", l.Name, l.W.Cols, x.Cols))
		return out
	}
	r.eng.MatMul(out.view(), x.view(), l.W, true, false)
	if l.Bias != nil {
		r.rows(out.Rows, out.Cols, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				kernels.Add(out.Row(i), out.Row(i), l.Bias)
			}
		})
	}
	if l.LoRA != nil {
		r.addLoRA(out, x, l.LoRA)
	}
	return out
}

func (r *Run) addLoRA(out, x Tensor, l *LoRA) {
	low, up := r.New(x.Rows, l.A.Rows), r.New(out.Rows, out.Cols)
	r.eng.MatMul(low.view(), x.view(), l.A, true, false)
	r.eng.MatMul(up.view(), low.view(), l.B, true, false)
	r.rows(out.Rows, out.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			kernels.Scale(up.Row(i), up.Row(i), l.Scale)
			kernels.Add(out.Row(i), out.Row(i), up.Row(i))
		}
	})
}

func (t Tensor) view() kernels.View {
	return kernels.View{Data: t.Data, Rows: t.Rows, Cols: t.Cols, RowStride: t.Stride, ColStride: 1}
}

// matrix lets an activation stand where a weight does: the keys and values of attention.
func (t Tensor) matrix() kernels.Matrix {
	return kernels.Matrix{Kind: kernels.F32, F32: t.Data, Rows: t.Rows, Cols: t.Cols, Stride: t.Stride}
}
