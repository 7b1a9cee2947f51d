package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// LayerNorm normalizes each row of x, then scales and shifts it.
func (d *Device) LayerNorm(dst, x kernels.Array, weight, bias kernels.Buffer, eps float32) {
	to, from, w, b := host.Of(dst), host.Of(x), weight.Host(), bias.Host()
	d.each(to.Rows, 4*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d.eng.LayerNorm(to.Row(i), from.Row(i), w, b, eps)
		}
	})
}

// LayerNormBackward is the backward of LayerNorm.
func (d *Device) LayerNormBackward(g kernels.NormGrad) {
	n := unwrap(g)
	d.each(n.x.Rows, 8*n.x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			n.mean[i], n.root[i] = vec.LayerNormBackward(n.dx.Row(i), n.x.Row(i), n.weight, n.dy.Row(i), n.eps)
		}
	})
	d.normWeightsBackward(n)
}

// RMSNorm divides each row of x by its root mean square, then scales it.
func (d *Device) RMSNorm(dst, x kernels.Array, weight kernels.Buffer, eps float32) {
	type work struct {
		eng    *kernels.Engine
		to, x  host.Matrix
		weight []float32
		eps    float32
	}
	rows(d, dst.Rows, 4*dst.Cols, work{d.eng, host.Of(dst), host.Of(x), weight.Host(), eps}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.RMSNorm(w.to.Row(i), w.x.Row(i), w.weight, w.eps)
		}
	})
}

// RMSNormBackward is the backward of RMSNorm.
func (d *Device) RMSNormBackward(g kernels.NormGrad) {
	n := unwrap(g)
	clear(n.mean)
	d.each(n.x.Rows, 8*n.x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			n.root[i] = vec.RMSNormBackward(n.dx.Row(i), n.x.Row(i), n.weight, n.dy.Row(i), n.eps)
		}
	})
	d.normWeightsBackward(n)
}

// norm is a NormGrad where it lies.
type norm struct {
	dx, x, dy              host.Matrix
	weight, dWeight, dBias []float32
	mean, root             []float32 // of each row: its mean, and the reciprocal of its root
	eps                    float32
}

func unwrap(g kernels.NormGrad) norm {
	return norm{
		host.Of(g.DX), host.Of(g.X), host.Of(g.DY), g.Weight.Host(), g.DWeight.Host(), g.DBias.Host(),
		g.Mean.Host(), g.Root.Host(), g.Eps,
	}
}

// normWeightsBackward adds to the gradients of a norm's weight and bias, if it learns: column by column, the rows in order.
func (d *Device) normWeightsBackward(n norm) {
	if n.dWeight == nil {
		return
	}
	d.eng.For(n.x.Cols, 64, func(lo, hi int) {
		for i := range n.x.Rows {
			dy := n.dy.Row(i)
			for c, v := range n.x.Row(i)[lo:hi] {
				n.dWeight[lo+c] += float32(dy[lo+c] * float32((v-n.mean[i])*n.root[i]))
			}
			if n.dBias != nil {
				d.eng.Add(n.dBias[lo:hi], n.dBias[lo:hi], dy[lo:hi])
			}
		}
	})
}
