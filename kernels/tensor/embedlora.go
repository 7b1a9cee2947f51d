package tensor

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// EmbeddingLoRA is a low-rank branch beside an embedding: the row of a token grows by Scale * B(row of A) (PEFT's lora.Embedding).
// With a DoRA the columns of the table that both make together are given other lengths.
type EmbeddingLoRA struct {
	A     kernels.Placed // (vocabulary, rank): PEFT's lora_embedding_A the other way round
	B     kernels.Placed // (width, rank)
	Scale float32
	DoRA  *DoRA // nil for none; its magnitudes are those of columns

	AGrad, BGrad kernels.Buffer // gradients to add to, dense; none where the branch does not learn
}

// Embedding is Gather with a branch; nil is none.
func (r *Run) Embedding(table kernels.Placed, grad kernels.Buffer, l *EmbeddingLoRA, ids []int) Tensor {
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
	r.dev.MatMul(pre.array(), low.array(), l.B, kernels.TransW)
	r.dev.AddScaled(pre.array(), x.array(), pre.array(), l.Scale)
	if l.DoRA != nil {
		r.dev.ScaleColumns(out.array(), pre.array(), l.DoRA.gain)
	}
	if r.taping(!l.BGrad.None(), x, low) {
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
	if r.idle() {
		return
	}
	if x.HasGrad() {
		r.dev.Add(x.grad(), x.grad(), dy.array())
	}
	r.dev.Scale(up.array(), dy.array(), l.Scale)
	if !l.BGrad.None() {
		r.dev.MatMul(dense(l.B.Rows, l.B.Cols, l.BGrad).array(), up.array(), low.array().Weight(), kernels.TransX|kernels.Accumulate)
	}
	if low.HasGrad() {
		r.dev.MatMul(low.grad(), up.array(), l.B, kernels.Accumulate)
	}
}

// Refresh computes the lengths of the columns of table + Scale*A Bᵀ again, and the gains: see Linear.Refresh.
func (l *EmbeddingLoRA) Refresh(dev kernels.Device, table kernels.Placed) error {
	if l == nil || l.DoRA == nil {
		return nil
	}
	d := l.DoRA
	if err := d.room(dev, table.Cols); err != nil || !dev.Computes() {
		return err
	}
	sums := make([]float64, table.Cols)
	low, product, err := twoArrays(dev, refreshRows, l.A.Cols, table.Cols)
	if err != nil {
		return err
	}
	for first := 0; first < table.Rows; first += refreshRows {
		n := min(refreshRows, table.Rows-first)
		low, product := low.Window(0, 0, n, low.Cols), product.Window(0, 0, n, product.Cols)
		dev.Gather(low, l.A, counted(first, n))
		dev.MatMul(product, low, l.B, kernels.TransW)
		if err := dev.ColumnSquares(sums, table, first, product, l.Scale); err != nil {
			return err
		}
	}
	lengths := make([]float32, len(sums))
	for j, s := range sums {
		lengths[j] = float32(math.Sqrt(s))
	}
	if err := dev.Upload(d.lengths.Row(), lengths); err != nil {
		return err
	}
	return d.divide(dev)
}

// Table is the embedding with its branch in it, in float32 on the host; with no branch it is the embedding as it is.
func (l *EmbeddingLoRA) Table(dev kernels.Device, table kernels.Placed) (kernels.Matrix, error) {
	if l == nil {
		return table.Matrix, nil
	}
	low, delta, err := twoArrays(dev, table.Rows, l.A.Cols, table.Cols)
	if err != nil {
		return kernels.Matrix{}, err
	}
	dev.Gather(low, l.A, counted(0, table.Rows))
	dev.MatMul(delta, low, l.B, kernels.TransW)
	rows, err := dev.Alloc(table.Rows * table.Cols)
	if err != nil {
		return kernels.Matrix{}, err
	}
	all := dense(table.Rows, table.Cols, rows).array()
	dev.Gather(all, table, counted(0, table.Rows))
	dev.AddScaled(delta, all, delta, l.Scale)
	if l.DoRA != nil {
		dev.ScaleColumns(delta, delta, l.DoRA.gain)
	}
	out := make([]float32, table.Rows*table.Cols)
	if err := dev.Download(out, delta); err != nil {
		return kernels.Matrix{}, err
	}
	return kernels.HostArray(table.Rows, table.Cols, out).Weight().Matrix, nil
}

// counted is first, first+1 and so on, n of them.
func counted(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}

// twoArrays are arrays of (rows, cols) and (rows, others) in memory of their own.
func twoArrays(dev kernels.Device, rows, cols, others int) (a, b kernels.Array, err error) {
	first, err := dev.Alloc(rows * cols)
	if err != nil {
		return a, b, err
	}
	second, err := dev.Alloc(rows * others)
	return dense(rows, cols, first).array(), dense(rows, others, second).array(), err
}
