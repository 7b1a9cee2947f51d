//go:build cuda && linux && cgo

package cuda

// prepared is the left operand of a product as the kernels read it, in scratch memory: quantized or rounded. The next product reads it again
// where it has the same x, as those of q, k and v do. Any other launch or copy in between ends that, since it may write over x; a product
// writes its result alone.
type prepared struct {
	by                string // the kernel that makes it
	to, x             address
	row               int64
	rows, steps, span int32
}

// prepare calls make, which launches what prepares a left operand, unless it is there. d.mu is held.
func (d *Device) prepare(p prepared, make func()) {
	if d.left != p {
		make()
	}
	d.preparing = p
}
