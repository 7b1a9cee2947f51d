//go:build cuda && linux && cgo

package cuda

import "github.com/loupe-vl/loupe/kernels"

// The layouts of one number after the other, which go to the device as they are stored.
var (
	layoutF32     = denseLayout(kernels.F32, "f32")
	layoutBF16    = denseLayout(kernels.BF16, "bf16")
	layoutF16     = denseLayout(kernels.F16, "f16")
	layoutRounded = denseLayout(kernels.BF16Products, "bf16") // whose products round x
)

func init() {
	layoutRounded.arithmetic = kernels.ArithmeticBF16
	layoutRounded.affine = func(d *Device, a productArgs, w weight) {
		a.x, a.xRow = d.round(a), int64(a.steps)
		d.byRows(a, "bf16_rounded", 1)
	}
	for _, l := range []*layout{layoutF32, layoutBF16, layoutF16, layoutRounded} {
		addLayout(l)
	}
}

// denseLayout is a layout whose products are exact. Those of float32 lie in F32 of a matrix, all others in Bits.
func denseLayout(of kernels.Layout, exact string) *layout {
	l := &layout{exact: exact, is: func(l kernels.Layout) bool { return l == of }}
	l.place = func(d *Device, w *weight, m kernels.Matrix) (err error) {
		if n := elements(m); exact == "f32" {
			w.at, err = place(d, m.F32[:n])
		} else {
			w.at, err = place(d, m.Bits[:n])
		}
		return err
	}
	l.added = func(d *Device, a productArgs, w weight) { d.byRows(a, exact, 1) }
	l.affine = l.added
	return l
}
