package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// Activate is dst = f(x).
func (d *Device) Activate(f kernels.Activation, dst, x kernels.Array) {
	to, from, each := host.Of(dst), host.Of(x), d.eng.QuickGELU
	if f == kernels.ActivationGELU {
		each = d.eng.GELU
	}
	d.each(to.Rows, 16*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			each(to.Row(i), from.Row(i))
		}
	})
}

// ActivateBackward adds dy*f'(x) to dx.
func (d *Device) ActivateBackward(f kernels.Activation, dx, x, dy kernels.Array) {
	to, from, up, each := host.Of(dx), host.Of(x), host.Of(dy), d.eng.QuickGELUBackward
	if f == kernels.ActivationGELU {
		each = vec.GELUBackward
	}
	d.each(to.Rows, 32*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			each(to.Row(i), from.Row(i), up.Row(i))
		}
	})
}

// SwiGLU is dst = silu(gate) * up.
func (d *Device) SwiGLU(dst, gate, up kernels.Array) {
	type work struct {
		eng          *kernels.Engine
		to, gate, up host.Matrix
	}
	rows(d, dst.Rows, 16*dst.Cols, work{d.eng, host.Of(dst), host.Of(gate), host.Of(up)}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.eng.SwiGLU(w.to.Row(i), w.gate.Row(i), w.up.Row(i))
		}
	})
}

// SwiGLUBackward adds to dgate and dup, unless they are empty.
func (d *Device) SwiGLUBackward(dgate, dup, gate, up, dy kernels.Array) {
	toGate, toUp, g, u, y := host.Of(dgate), host.Of(dup), host.Of(gate), host.Of(up), host.Of(dy)
	d.each(y.Rows, 32*y.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d.eng.SwiGLUBackward(rowOrNil(toGate, i), rowOrNil(toUp, i), g.Row(i), u.Row(i), y.Row(i))
		}
	})
}

func rowOrNil(m host.Matrix, i int) []float32 {
	if m.Data == nil {
		return nil
	}
	return m.Row(i)
}
