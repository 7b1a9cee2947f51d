//go:build cuda && linux && cgo

package cuda

import (
	"syscall"
	"unsafe"
)

// Copies pass through memory that the GPU reads and writes by itself. There are two halves for each way: one is filled, or emptied, while
// the GPU copies the other.
const (
	stagingHalf = 4 << 20
	mostPut     = 32 << 10 // bytes that go up in arguments of kernels
)

type half struct {
	memory unsafe.Pointer
	pinned bool
	used   int
	copied event
	busy   bool // event copied is to be waited for before the half is used again
}

func (h *half) bytes() []byte { return unsafe.Slice((*byte)(h.memory), stagingHalf) }

type staging struct {
	up, down [2]half
	now      int // the half of up that is being filled
}

// open takes the memory.
func (s *staging) open(c *context) (err error) {
	for _, h := range []*half{&s.up[0], &s.up[1], &s.down[0], &s.down[1]} {
		if h.memory, h.pinned, err = c.stagingMemory(stagingHalf); err != nil {
			return err
		}
		if h.copied, err = c.event(); err != nil {
			return err
		}
	}
	return nil
}

func (s *staging) close(c *context) {
	for _, h := range []*half{&s.up[0], &s.up[1], &s.down[0], &s.down[1]} {
		if h.copied.handle != nil {
			c.destroyEvent(h.copied)
		}
		if h.memory != nil {
			c.freeStaging(h.memory, h.pinned)
		}
	}
}

// done is told that all copies are.
func (s *staging) done() {
	for i := range s.up {
		s.up[i].used, s.up[i].busy = 0, false
	}
}

// putArgs is struct Put of the kernels, for so many words.
type (
	putSmallArgs struct {
		to    address
		bytes int64
		words [64]uint32
	}
	putArgs struct {
		to    address
		bytes int64
		words [1000]uint32
	}
)

// up copies n bytes to the device, in the order of what is queued. They may change as soon as it is back. A few go in the arguments of
// kernels, of which a graph can be made; many go through pinned memory. d.mu is held.
func (d *Device) up(to address, from unsafe.Pointer, n int) {
	if d.ctx.dry {
		return
	}
	if n > mostPut {
		d.upStaged(to, unsafe.Slice((*byte)(from), n))
		return
	}
	for bytes := unsafe.Slice((*byte)(from), n); len(bytes) > 0; {
		part := 0
		if a := (putSmallArgs{to: to}); len(bytes) <= 4*len(a.words) {
			part = copy(unsafe.Slice((*byte)(unsafe.Pointer(&a.words)), 4*len(a.words)), bytes)
			a.bytes = int64(part)
			launch(d, "put_256", [3]int{1, 1, 1}, 64, a)
		} else {
			a := putArgs{to: to}
			part = copy(unsafe.Slice((*byte)(unsafe.Pointer(&a.words)), 4*len(a.words)), bytes)
			a.bytes = int64(part)
			launch(d, "put_4000", [3]int{1, 1, 1}, 256, a)
		}
		bytes, to = bytes[part:], to+address(part)
	}
}

// upStaged copies bytes through pinned memory: while the GPU copies one half, the other is filled, and the system reads ahead what lies in
// a file.
func (d *Device) upStaged(to address, bytes []byte) {
	d.flush() // what is queued comes first
	d.left = prepared{}
	for len(bytes) > 0 && d.err == nil {
		h := &d.staging.up[d.staging.now]
		if h.used == stagingHalf {
			d.fail(d.ctx.record(h.copied))
			h.busy, h.used = true, 0
			d.staging.now ^= 1
			continue
		}
		if h.busy {
			d.fail(d.ctx.waitFor(h.copied))
			h.busy = false
			continue
		}
		n := min(len(bytes), stagingHalf-h.used)
		readAhead(bytes[n:])
		copy(h.bytes()[h.used:], bytes[:n])
		d.fail(d.ctx.up(to, unsafe.Add(h.memory, h.used), n))
		d.busy = true
		h.used = min(stagingHalf, (h.used+n+15)/16*16)
		bytes, to = bytes[n:], to+address(n)
	}
}

// readAhead tells the system that the next bytes will be read, in case they lie in a file that is mapped. It is a hint.
func readAhead(bytes []byte) {
	const page = 4096
	n := min(len(bytes), 2*stagingHalf)
	at := uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))
	skip := int(-at & (page - 1))
	if n -= skip; n >= page {
		_ = syscall.Madvise(bytes[skip:skip+n/page*page], syscall.MADV_WILLNEED)
	}
}

// down copies n bytes from the device, and waits for everything before. d.mu is held.
func (d *Device) down(to unsafe.Pointer, from address, n int) {
	if d.ctx.dry {
		return
	}
	bytes := unsafe.Slice((*byte)(to), n)
	if n <= stagingHalf {
		copy(bytes, d.downStaged(from, n))
		return
	}
	d.flush()
	d.busy = true
	for at, i := 0, 0; at < n+stagingHalf && d.err == nil; at, i = at+stagingHalf, i^1 {
		if at < n { // the GPU copies one half while the other is emptied
			h := &d.staging.down[i]
			d.fail(d.ctx.down(h.memory, from+address(at), min(stagingHalf, n-at)))
			if d.err == nil {
				d.fail(d.ctx.record(h.copied))
			}
		}
		if before := at - stagingHalf; before >= 0 && d.err == nil {
			h := &d.staging.down[i^1]
			if d.fail(d.ctx.waitFor(h.copied)); d.err == nil {
				copy(bytes[before:], h.bytes())
			}
		}
	}
	d.wait()
}

// downStaged copies up to a half from the device, and waits. The bytes are good until the next copy; none after an error. d.mu is held.
func (d *Device) downStaged(from address, n int) []byte {
	d.flush()
	if d.err == nil {
		d.busy = true
		d.fail(d.ctx.down(d.staging.down[0].memory, from, n))
	}
	d.wait()
	if d.err != nil {
		return nil
	}
	return d.staging.down[0].bytes()[:n]
}
