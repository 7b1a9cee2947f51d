package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// CosSin is the cosines and sines of angles.
func (d *Device) CosSin(cos, sin, angles kernels.Array) {
	type work struct{ cos, sin, angles host.Matrix }
	rows(d, angles.Rows, 32*angles.Cols, work{host.Of(cos), host.Of(sin), host.Of(angles)}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			c, s := w.cos.Row(i), w.sin.Row(i)
			for j, a := range w.angles.Row(i) {
				c[j], s[j] = num.Cos(a), num.Sin(a)
			}
		}
	})
}

// Rotate turns each head of x by the angles of its row.
func (d *Device) Rotate(dst, x, cos, sin kernels.Array) {
	type work struct {
		eng             *kernels.Engine
		to, x, cos, sin host.Matrix
	}
	rows(d, x.Rows, 2*x.Cols, work{d.eng, host.Of(dst), host.Of(x), host.Of(cos), host.Of(sin)}, func(w work, lo, hi int) {
		width := 2 * w.cos.Cols
		for i := lo; i < hi; i++ {
			src, dst := w.x.Row(i), w.to.Row(i)
			for h := 0; h < len(src); h += width {
				w.eng.Rotate(dst[h:h+width], src[h:h+width], w.cos.Row(i), w.sin.Row(i))
			}
		}
	})
}

// RotateBackward turns dy back and adds it to dx.
func (d *Device) RotateBackward(dx, dy, cos, sin kernels.Array) {
	to, up, c, s := host.Of(dx), host.Of(dy), host.Of(cos), host.Of(sin)
	width := 2 * c.Cols
	d.each(to.Rows, 2*to.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dx, dy := to.Row(i), up.Row(i)
			for h := 0; h < len(dx); h += width {
				vec.RotateBackward(dx[h:h+width], dy[h:h+width], c.Row(i), s.Row(i))
			}
		}
	})
}
