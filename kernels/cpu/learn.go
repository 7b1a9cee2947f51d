package cpu

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// CrossEntropy sets probs to the softmax of the rows of logits, and losses to -log probs[label].
func (d *Device) CrossEntropy(losses []float64, probs, logits kernels.Array, labels []int) error {
	p, x := host.Of(probs), host.Of(logits)
	d.each(x.Rows, 8*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if labels[i] >= 0 {
				losses[i] = d.eng.CrossEntropy(p.Row(i), x.Row(i), labels[i])
			}
		}
	})
	return nil
}

// CrossEntropyBackward adds (probs - onehot(label)) * scale to dlogits.
func (d *Device) CrossEntropyBackward(dlogits, probs kernels.Array, labels []int, scale float32) {
	to, p := host.Of(dlogits), host.Of(probs)
	d.each(to.Rows, to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if labels[i] >= 0 {
				g := to.Row(i)
				vec.AddScaled(g, p.Row(i), scale)
				g[labels[i]] -= scale
			}
		}
	})
}

// RowLengths is the lengths of the rows of w + scale*delta, from row first of w on.
func (d *Device) RowLengths(dst kernels.Buffer, w kernels.Placed, first int, delta kernels.Array, scale float32) {
	to, plus := dst.Host(), host.Of(delta)
	d.eng.For(plus.Rows, 8, func(lo, hi int) {
		row := make([]float32, w.Cols)
		for i := lo; i < hi; i++ {
			w.Row(row, first+i)
			sum, delta := 0.0, plus.Row(i)
			for k, v := range row {
				x := float64(v + float32(scale*delta[k]))
				sum += float64(x * x)
			}
			to[i] = float32(math.Sqrt(sum))
		}
	})
}

// ColumnSquares adds the squares of the columns of rows of w + scale*delta to sums, on workers that have some columns each.
func (d *Device) ColumnSquares(sums []float64, w kernels.Placed, first int, delta kernels.Array, scale float32) error {
	plus := host.Of(delta)
	all := host.Dense(plus.Rows, plus.Cols, make([]float32, plus.Rows*plus.Cols))
	for i := range all.Rows {
		w.Row(all.Row(i), first+i)
	}
	d.eng.For(all.Cols, 64, func(lo, hi int) {
		for i := range all.Rows {
			delta := plus.Row(i)[lo:hi]
			for j, v := range all.Row(i)[lo:hi] {
				x := float64(v + float32(scale*delta[j]))
				sums[lo+j] += float64(x * x)
			}
		}
	})
	return nil
}

// AdamW takes one step of torch.optim.AdamW.
func (d *Device) AdamW(x, grad, m, v kernels.Buffer, s kernels.AdamWStep) {
	value, g, first, second := x.Host(), grad.Host(), m.Host(), v.Host()
	d.eng.For(len(value), 1<<13, func(lo, hi int) { adamW(s, value[lo:hi], g[lo:hi], first[lo:hi], second[lo:hi]) })
}

func adamW(s kernels.AdamWStep, x, grad, m, v []float32) {
	for i, g := range grad {
		g = float32(g * s.Scale) // rounded: arm64 would fuse it with what follows
		m[i] += float32((g - m[i]) * s.Beta1)
		v[i] = float32(v[i]*s.Beta2) + float32(float32(g*g)*s.Rest2)
		down := float32(float32(math.Sqrt(float64(v[i])))*s.Root) + s.Eps
		x[i] = float32(x[i]*s.Keep) - float32(s.Rate*float32(m[i]/down))
	}
}
