package tensor

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// EmbeddingLoRA is a low-rank branch beside an embedding: the row of a token grows by Scale * B(row of A) (PEFT's lora.Embedding).
// With a DoRA the columns of the table that both make together are given other lengths.
type EmbeddingLoRA struct {
	A     kernels.Matrix // (vocabulary, rank): PEFT's lora_embedding_A the other way round
	B     kernels.Matrix // (width, rank)
	Scale float32
	DoRA  *DoRA // nil for none; its magnitudes are those of columns

	AGrad, BGrad []float32 // gradients to add to, dense; nil where the branch does not learn
}

// Embedding is Gather with a branch; nil is none.
func (r *Run) Embedding(table kernels.Matrix, grad []float32, l *EmbeddingLoRA, ids []int) Tensor {
	x := r.Gather(table, grad, ids)
	if l == nil {
		return x
	}
	low := r.Gather(l.A, l.AGrad, ids)
	pre := r.New(x.Rows, x.Cols)
	out := pre
	if l.DoRA != nil {
		out = r.New(x.Rows, x.Cols)
	}
	if r.idle() {
		return out
	}
	r.eng.MatMul(pre.view(), low.view(), l.B, kernels.TransW)
	r.rows(x.Rows, 2*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r.eng.Scale(pre.Row(i), pre.Row(i), l.Scale)
			r.eng.Add(pre.Row(i), x.Row(i), pre.Row(i))
		}
	})
	if l.DoRA != nil {
		r.gained(out, pre, l.DoRA)
	}
	if r.taping(l.BGrad != nil, x, low) {
		out = r.WithGrad(out)
		r.record(func() { r.embeddingBackward(x, low, pre, out, l) })
	}
	return out
}

func (r *Run) embeddingBackward(x, low, pre, out Tensor, l *EmbeddingLoRA) {
	dy := out.gradTensor()
	if l.DoRA != nil {
		dy = r.gainBackward(dy, pre, l.DoRA)
	}
	up := r.New(dy.Rows, dy.Cols)
	r.rows(dy.Rows, 2*dy.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if x.Grad != nil {
				r.eng.Add(x.GradRow(i), x.GradRow(i), dy.Row(i))
			}
			r.eng.Scale(up.Row(i), dy.Row(i), l.Scale)
		}
	})
	if l.BGrad != nil {
		r.eng.MatMul(Of(l.B.Rows, l.B.Cols, l.BGrad).view(), up.transposed(), low.matrix(), kernels.Accumulate)
	}
	if low.Grad != nil {
		r.eng.MatMul(low.gradTensor().view(), up.view(), l.B, kernels.Accumulate)
	}
}

// Refresh computes the lengths of the columns of table + Scale*A Bᵀ again, and the gains: see Linear.Refresh.
func (l *EmbeddingLoRA) Refresh(e *kernels.Engine, table kernels.Matrix) {
	if l == nil || l.DoRA == nil {
		return
	}
	d := l.DoRA
	if d.gain == nil {
		d.lengths, d.gain = make([]float32, table.Cols), make([]float32, table.Cols)
	}
	if e.Idles() {
		return
	}
	sums := make([]float64, table.Cols)
	rows := Of(refreshRows, table.Cols, make([]float32, refreshRows*table.Cols))
	low := Of(refreshRows, l.A.Cols, make([]float32, refreshRows*l.A.Cols))
	product := Of(refreshRows, table.Cols, make([]float32, refreshRows*table.Cols))
	for first := 0; first < table.Rows; first += refreshRows {
		n := min(refreshRows, table.Rows-first)
		for i := range n {
			table.Row(rows.Row(i), first+i)
			l.A.Row(low.Row(i), first+i)
		}
		e.MatMul(product.Slice(0, n).view(), low.Slice(0, n).view(), l.B, kernels.TransW)
		e.For(table.Cols, 64, func(lo, hi int) {
			for i := range n {
				delta := product.Row(i)[lo:hi]
				for j, v := range rows.Row(i)[lo:hi] {
					x := float64(v + float32(l.Scale*delta[j]))
					sums[lo+j] += float64(x * x)
				}
			}
		})
	}
	for j, s := range sums {
		d.lengths[j] = float32(math.Sqrt(s))
	}
	d.divide()
}

// Table is the embedding with its branch in it, in float32; with no branch it is the embedding as it is.
func (l *EmbeddingLoRA) Table(e *kernels.Engine, table kernels.Matrix) kernels.Matrix {
	if l == nil {
		return table
	}
	low, delta := Of(l.A.Rows, l.A.Cols, make([]float32, l.A.Rows*l.A.Cols)), Of(table.Rows, table.Cols, make([]float32, table.Rows*table.Cols))
	for i := range low.Rows {
		l.A.Row(low.Row(i), i)
	}
	e.MatMul(delta.view(), low.view(), l.B, kernels.TransW)
	e.For(table.Rows, 64, func(lo, hi int) {
		row := make([]float32, table.Cols)
		for i := lo; i < hi; i++ {
			table.Row(row, i)
			to := delta.Row(i)
			for j, v := range row {
				to[j] = v + float32(l.Scale*to[j])
				if l.DoRA != nil {
					to[j] *= l.DoRA.gain[j]
				}
			}
		}
	})
	return delta.matrix()
}
