//go:build cuda && linux && cgo

package cuda

import (
	"runtime"
	"sync"
)

// Memory that nobody points at any more, as the collector finds out. It is given back by whoever holds the device next: the device may be
// held while the collector runs, since who lacks memory asks for that.

// alive is an allocation that somebody may free.
type alive struct {
	number  uint64 // among all allocations: its place may have been another's
	cleanup runtime.Cleanup
}

// grave is where an allocation lay. number is 0 for the part of a weight, which nobody frees before.
type grave struct {
	at     address
	number uint64
}

// dead are the graves that are still to be given back.
type dead struct {
	sync.Mutex
	list []grave
}

// collected takes in an allocation that nobody points at any more.
func (d *Device) collected(g grave) {
	d.dead.Lock()
	d.dead.list = append(d.dead.list, g)
	d.dead.Unlock()
	if d.mu.TryLock() { // else whoever allocates or waits next buries it
		d.bury()
		d.mu.Unlock()
	}
}

// bury gives back what was collected, and reports whether there was any. d.mu is held.
func (d *Device) bury() bool {
	d.dead.Lock()
	defer d.dead.Unlock()
	for _, g := range d.dead.list {
		if g.number == 0 {
			d.release(g.at)
		} else if a, there := d.live[g.at]; there && a.number == g.number {
			delete(d.live, g.at)
			d.release(g.at)
		}
	}
	any := len(d.dead.list) > 0
	d.dead.list = d.dead.list[:0]
	return any
}
