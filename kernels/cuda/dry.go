//go:build cuda && linux && cgo

package cuda

import (
	"github.com/loupe-vl/loupe/kernels"
)

var _ kernels.Limited = (*Device)(nil)

// FreeMemory is how many bytes are free for this process, and how many there are.
func (d *Device) FreeMemory() (free, total int64, err error) {
	f, t, err := d.free()
	return int64(f), int64(t), err
}

// Dry is a device that allocates what d would for the same operations, by the same code, and counts it: nothing is asked of the driver and
// nothing is computed. PeakMemory says how much that is.
func (d *Device) Dry() kernels.DryDevice {
	dry := &Device{info: d.info, ctx: &context{dry: true, held: map[address]uint64{}}, live: map[address]alive{}}
	dry.grow(scratchCopy, stagingHalf) // what a download of several arrays takes at most
	return dry
}

// The driver hands out memory in blocks of 2 MiB, of which small allocations share one.
const (
	driverBlock = 2 << 20
	driverShare = 512
)

// count is a dry allocation: a place where there is nothing.
func (c *context) count(n uint64) address {
	p, n := address(1<<40+c.made), max(n, 1)
	c.made += (n + driverBlock) / driverBlock * driverBlock
	unit := uint64(driverShare)
	if n >= driverBlock/2 {
		unit = driverBlock
	}
	n = (n + unit - 1) / unit * unit
	c.held[p] = n
	c.used += n
	c.most = max(c.most, c.used)
	return p
}
