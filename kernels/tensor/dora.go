package tensor

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// DoRA makes a linear and its branch compute with m ⊙ (W + Scale*BA)/‖W + Scale*BA‖, whose rows have the lengths m (Liu et al.,
// arXiv 2402.09353; PEFT's lora.dora.DoraLinearLayer). The lengths that are divided by count as constants for the gradient.
type DoRA struct {
	Magnitude []float32 // out: m
	// Grad is the gradient of Magnitude to add to; nil where it does not learn.
	Grad []float32

	lengths []float32 // out: of the rows of W + Scale*BA
	gain    []float32 // out: m over lengths
}

// Gain is m/‖W + Scale*BA‖ for each output, as of the last Refresh.
func (d *DoRA) Gain() []float32 { return d.gain }

// Lengths are ‖W + Scale*BA‖ for each output, as of the last Refresh.
func (d *DoRA) Lengths() []float32 { return d.lengths }

// refreshRows is how many rows of W + Scale*BA are made at a time.
const refreshRows = 64

// Refresh computes the lengths of the rows of W + Scale*BA again, from the weights as they are kept, and the gains: after the
// branch was loaded, and after each step in which it learned. A linear without a DoRA has nothing to refresh.
func (l *Linear) Refresh(e *kernels.Engine) {
	if l.LoRA == nil || l.LoRA.DoRA == nil {
		return
	}
	d, b := l.LoRA.DoRA, l.LoRA.B
	if d.gain == nil {
		d.lengths, d.gain = make([]float32, l.W.Rows), make([]float32, l.W.Rows)
	}
	if e.Idles() {
		return
	}
	left := Of(refreshRows, b.Cols, make([]float32, refreshRows*b.Cols))
	product := Of(refreshRows, l.W.Cols, make([]float32, refreshRows*l.W.Cols))
	for first := 0; first < l.W.Rows; first += refreshRows {
		n := min(refreshRows, l.W.Rows-first)
		for i := range n {
			b.Row(left.Row(i), first+i)
		}
		e.MatMul(product.Slice(0, n).view(), left.Slice(0, n).view(), l.LoRA.A, kernels.Plain)
		e.For(n, 8, func(lo, hi int) {
			row := make([]float32, l.W.Cols)
			for i := lo; i < hi; i++ {
				l.W.Row(row, first+i)
				d.lengths[first+i] = lengthOf(row, product.Row(i), l.LoRA.Scale)
			}
		})
	}
	d.divide()
}

// divide makes the gains of the lengths.
func (d *DoRA) divide() {
	for i, n := range d.lengths {
		d.gain[i] = d.Magnitude[i] / n
	}
}

// lengthOf is ‖w + scale*delta‖, the sum in double precision and in order.
func lengthOf(w, delta []float32, scale float32) float32 {
	sum := 0.0
	for k, v := range w {
		x := float64(v + float32(scale*delta[k]))
		sum += float64(x * x)
	}
	return float32(math.Sqrt(sum))
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
	r.eng.MatMul(low.view(), in.view(), l.LoRA.A, kernels.TransW)
	if !known {
		r.eng.MatMul(pre.view(), in.view(), l.W, kernels.TransW)
		r.addLoRA(pre, low, l.LoRA)
	}
	if !restKnown {
		r.withoutDropped(rest, x, in, l)
	}
	r.gained(out, pre, d)
	r.rows(x.Rows, 2*l.W.Rows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			to := out.Row(i)
			if drops {
				r.eng.Add(to, to, rest.Row(i))
			}
			if l.Bias != nil {
				r.eng.Add(to, to, l.Bias)
			}
		}
	})
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
	r.rows(x.Rows, x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			to, kept := gone.Row(i), in.Row(i)
			for k, v := range x.Row(i) {
				to[k] = v - kept[k]
			}
		}
	})
	r.eng.MatMul(rest.view(), gone.view(), l.W, kernels.TransW)
}

// gained is pre times the gains, into out.
func (r *Run) gained(out, pre Tensor, d *DoRA) {
	r.rows(pre.Rows, 2*pre.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			to := out.Row(i)
			for j, v := range pre.Row(i) {
				to[j] = float32(v * d.gain[j])
			}
		}
	})
}

// gainBackward is the gradient of what was multiplied by the gains, pre; that of the magnitudes grows.
func (r *Run) gainBackward(dy, pre Tensor, d *DoRA) (dpre Tensor) {
	r.eng.For(len(d.Grad), 64, func(lo, hi int) {
		sums := make([]float32, hi-lo)
		for i := range dy.Rows {
			of := pre.Row(i)[lo:hi]
			for j, v := range dy.Row(i)[lo:hi] {
				sums[j] += float32(v * of[j])
			}
		}
		for j, sum := range sums {
			d.Grad[lo+j] += sum / d.lengths[lo+j]
		}
	})
	dpre = r.New(dy.Rows, dy.Cols)
	r.gained(dpre, dy, d)
	return dpre
}

// doraBackward goes back through linearDoRA. pre is what is multiplied by the gains.
func (r *Run) doraBackward(x, in, low, pre, out Tensor, l *Linear) {
	d, dy := l.LoRA.DoRA, out.gradTensor()
	r.biasBackward(dy, l)
	dpre := r.gainBackward(dy, pre, d)
	dlow := r.branchBackward(in, low, dpre, l.LoRA)
	if x.Grad == nil {
		return
	}
	if l.LoRA.Dropout == 0 || r.DropoutSeed == 0 {
		r.eng.MatMul(x.gradTensor().view(), dpre.view(), l.W, kernels.Accumulate)
		r.eng.MatMul(x.gradTensor().view(), dlow.view(), l.LoRA.A, kernels.Accumulate)
		return
	}
	r.eng.MatMul(x.gradTensor().view(), dy.view(), l.W, kernels.Accumulate)
	r.rows(dy.Rows, dy.Cols, func(lo, hi int) { // x' had dy times the gain, of which x has dy already
		for i := lo; i < hi; i++ {
			to := dpre.Row(i)
			for j, v := range dy.Row(i) {
				to[j] -= v
			}
		}
	})
	din := r.New(x.Rows, x.Cols)
	r.eng.MatMul(din.view(), dpre.view(), l.W, kernels.Plain)
	r.eng.MatMul(din.view(), dlow.view(), l.LoRA.A, kernels.Accumulate)
	din = r.dropped(din, l.Name, l.LoRA.Dropout)
	for i := range din.Rows {
		r.eng.Add(x.GradRow(i), x.GradRow(i), din.Row(i))
	}
}
