package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// DoRA makes a linear and its branch compute with m ⊙ (W + Scale*BA)/‖W + Scale*BA‖, whose rows have the lengths m (Liu et al.,
// arXiv 2402.09353; PEFT's lora.dora.DoraLinearLayer). The lengths that are divided by count as constants for the gradient.
type DoRA struct {
	Magnitude kernels.Buffer // out: m
	// Grad is the gradient of Magnitude to add to; none where it does not learn.
	Grad kernels.Buffer

	lengths kernels.Buffer // out: of the rows of W + Scale*BA
	gain    kernels.Buffer // out: m over lengths
}

// Gain is m/‖W + Scale*BA‖ for each output, as of the last Refresh.
func (d *DoRA) Gain() kernels.Buffer { return d.gain }

// Lengths are ‖W + Scale*BA‖ for each output, as of the last Refresh.
func (d *DoRA) Lengths() kernels.Buffer { return d.lengths }

// refreshRows is how many rows of W + Scale*BA are made at a time.
const refreshRows = 64

// Refresh computes the lengths of the rows of W + Scale*BA again, from the weights as they are kept, and the gains: after the
// branch was loaded, and after each step in which it learned. A linear without a DoRA has nothing to refresh.
func (l *Linear) Refresh(dev kernels.Device) error {
	if l.LoRA == nil || l.LoRA.DoRA == nil {
		return nil
	}
	d, b := l.LoRA.DoRA, l.LoRA.B
	if err := d.room(dev, l.W.Rows); err != nil || !dev.Computes() {
		return err
	}
	left, product, err := twoArrays(dev, refreshRows, b.Cols, l.W.Cols)
	if err != nil {
		return err
	}
	for first := 0; first < l.W.Rows; first += refreshRows {
		n := min(refreshRows, l.W.Rows-first)
		left, product := left.Window(0, 0, n, left.Cols), product.Window(0, 0, n, product.Cols)
		dev.Gather(left, b, counted(first, n))
		dev.MatMul(product, left, l.LoRA.A, kernels.Plain)
		dev.RowLengths(d.lengths.Slice(first, first+n), l.W, first, product, l.LoRA.Scale)
	}
	return d.divide(dev)
}

// room gives the DoRA memory for n outputs, the first time.
func (d *DoRA) room(dev kernels.Device, n int) (err error) {
	if !d.gain.None() {
		return nil
	}
	if d.lengths, err = dev.Alloc(n); err == nil {
		d.gain, err = dev.Alloc(n)
	}
	return err
}

// divide makes the gains of the magnitudes and the lengths.
func (d *DoRA) divide(dev kernels.Device) error {
	n := d.gain.Len()
	gain, lengths := make([]float32, n), make([]float32, n)
	if err := dev.Download(gain, d.Magnitude.Row()); err != nil {
		return err
	}
	if err := dev.Download(lengths, d.lengths.Row()); err != nil {
		return err
	}
	for i, l := range lengths {
		gain[i] /= l
	}
	return dev.Upload(d.gain.Row(), gain)
}

// linearDoRA is Linear for a branch with a DoRA. While it learns with dropout, PEFT puts what dropout leaves of x through W as
// well, and what x gives without it comes back: y = x Wᵀ + b + (gain-1) x' Wᵀ + gain*scale*B(A(x')).
func (r *Run) linearDoRA(x Tensor, l *Linear) Tensor {
	d := l.LoRA.DoRA
	drops := l.LoRA.Dropout > 0 && r.DropoutSeed != 0
	pre, known := r.product(x.Rows, l.W.Rows) // x' Wᵀ + scale*B(A(x'))
	rest, restKnown := Tensor{}, true         // (x - x') Wᵀ
	if drops {
		rest, restKnown = r.product(x.Rows, l.W.Rows)
	}
	out := r.New(x.Rows, l.W.Rows)
	if r.idle() {
		return out
	}
	if x.Cols != l.W.Cols {
		r.Fail(fmt.Errorf("%s takes %d inputs, not %d", l.Name, l.W.Cols, x.Cols))
		return out
	}
	in := x
	if drops {
		in = r.dropped(x, l.Name, l.LoRA.Dropout)
	}
	low := r.New(x.Rows, l.LoRA.A.Rows)
	if r.idle() {
		return out
	}
	r.dev.MatMul(low.array(), in.array(), l.LoRA.A, kernels.TransW)
	if !known {
		r.dev.MatMul(pre.array(), in.array(), l.W, kernels.TransW)
		r.addLoRA(pre, low, l.LoRA)
	}
	if !restKnown {
		r.withoutDropped(rest, x, in, l)
	}
	r.dev.ScaleColumns(out.array(), pre.array(), d.gain)
	if drops {
		r.dev.Add(out.array(), out.array(), rest.array())
	}
	if !l.Bias.None() {
		every := kernels.Array{Rows: out.Rows, Cols: out.Cols, Buffer: l.Bias} // the same row for all
		r.dev.Add(out.array(), out.array(), every)
	}
	if r.taping(l.learns(), x) {
		out = r.WithGrad(out)
		r.record(func() { r.doraBackward(x, in, low, pre, out, l) })
	}
	return out
}

// withoutDropped is (x - in) Wᵀ.
func (r *Run) withoutDropped(rest, x, in Tensor, l *Linear) {
	mark := r.arena.Mark()
	defer r.arena.Release(mark)
	gone := r.New(x.Rows, x.Cols)
	if r.idle() {
		return
	}
	r.dev.AddScaled(gone.array(), x.array(), in.array(), -1)
	r.dev.MatMul(rest.array(), gone.array(), l.W, kernels.TransW)
}

// gainBackward is the gradient of what was multiplied by the gains, pre; that of the magnitudes grows.
func (r *Run) gainBackward(dy, pre Tensor, d *DoRA) (dpre Tensor) {
	if !d.Grad.None() {
		r.dev.ScaleColumnsBackward(d.Grad, pre.array(), dy.array(), d.lengths)
	}
	if dpre = r.New(dy.Rows, dy.Cols); !r.idle() {
		r.dev.ScaleColumns(dpre.array(), dy.array(), d.gain)
	}
	return dpre
}

// doraBackward goes back through linearDoRA. pre is what is multiplied by the gains.
func (r *Run) doraBackward(x, in, low, pre, out Tensor, l *Linear) {
	d, dy := l.LoRA.DoRA, out.gradTensor()
	r.biasBackward(dy, l)
	dpre := r.gainBackward(dy, pre, d)
	dlow := r.branchBackward(in, low, dpre, l.LoRA)
	if !x.HasGrad() || r.idle() {
		return
	}
	if l.LoRA.Dropout == 0 || r.DropoutSeed == 0 {
		r.dev.MatMul(x.grad(), dpre.array(), l.W, kernels.Accumulate)
		r.dev.MatMul(x.grad(), dlow.array(), l.LoRA.A, kernels.Accumulate)
		return
	}
	r.dev.MatMul(x.grad(), dy.array(), l.W, kernels.Accumulate)
	r.dev.AddScaled(dpre.array(), dpre.array(), dy.array(), -1) // x' had dy times the gain, of which x has dy already
	din := r.New(x.Rows, x.Cols)
	if r.idle() {
		return
	}
	r.dev.MatMul(din.array(), dpre.array(), l.W, kernels.Plain)
	r.dev.MatMul(din.array(), dlow.array(), l.LoRA.A, kernels.Accumulate)
	if din = r.dropped(din, l.Name, l.LoRA.Dropout); !r.idle() {
		r.dev.Add(x.grad(), x.grad(), din.array())
	}
}
