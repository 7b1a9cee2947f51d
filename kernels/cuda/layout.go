//go:build cuda && linux && cgo

package cuda

import "github.com/loupe-vl/loupe/kernels"

// layout is what the device has for weights that are stored in one way. A new one is a file with a value of this type, which it gives to
// addLayout, and a file of kernels in src. A layout without one goes to the device as the float32 numbers that it stands for, if its
// arithmetic is the exact one.
type layout struct {
	// is reports whether weights of l are meant.
	is func(l kernels.Layout) bool
	// arithmetic is that of affine.
	arithmetic kernels.Arithmetic
	// exact names the kernels that take a weight as the numbers that it holds: tile_plain_EXACT, gather_EXACT, lengths_EXACT.
	exact string
	// place copies m to the device and says in w where it lies, in as much of it as has a place where it fails. d.mu is held.
	place func(d *Device, w *weight, m kernels.Matrix) error
	// affine enqueues dst = x Wᵀ + bias; a has all operands. d.mu is held.
	affine func(d *Device, a productArgs, w weight)
	// added enqueues dst += x Wᵀ with W as the numbers that it holds. d.mu is held.
	added func(d *Device, a productArgs, w weight)

	gather, lengths string // the kernels' names, written once, since decoding allocates nothing
}

// layouts are all of them.
var layouts []*layout

// addLayout adds l to the table. It is called by the init of l's file.
func addLayout(l *layout) {
	l.gather, l.lengths = "gather_"+l.exact, "lengths_"+l.exact
	plainNames[l.exact] = [2]string{"tile_plain_" + l.exact, "tile_plain_" + l.exact + "_low"}
	layouts = append(layouts, l)
}

// layoutOf is the device's layout for weights of l; nil where it has none.
func layoutOf(l kernels.Layout) *layout {
	for _, have := range layouts {
		if have.is(l) {
			return have
		}
	}
	return nil
}

// HasArithmetic reports whether the device has products of that arithmetic.
func (d *Device) HasArithmetic(a kernels.Arithmetic) bool {
	for _, l := range layouts {
		if l.arithmetic == a {
			return true
		}
	}
	return false
}
