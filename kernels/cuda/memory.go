//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// The scratch memory of operations, each for one use. What is launched later reads it later, so that operations may share it.
const (
	scratchRounded   = iota // a left operand in bfloat16
	scratchCopy             // rows that are to go up or down
	scratchQuantized        // a left operand in 8 bits
	scratchScores           // of an attention
	scratchBack             // gradients of scores
	scratchTable            // parts and pages of an attention
	scratchIDs              // row numbers
	scratchFound            // what a search gives
	scratches
)

// scratch is memory that grows.
type scratch struct {
	at   address
	size uint64
}

// grow is scratch memory of at least n bytes; 0 after an error. d.mu is held.
func (d *Device) grow(which int, n int) address {
	s := &d.scratch[which]
	if s.size >= uint64(n) {
		return s.at
	}
	if d.err != nil {
		return 0
	}
	d.release(s.at) // what is queued still uses it
	*s = scratch{}
	at, err := d.alloc(uint64(n))
	if err != nil {
		d.fail(err)
		return 0
	}
	*s = scratch{at, uint64(n)}
	return at
}

// alloc is n bytes of memory. d.mu is held.
func (d *Device) alloc(n uint64) (address, error) {
	d.bury()
	p, err := d.ctx.alloc(n)
	if err == nil {
		return p, nil
	}
	// Some is free once those that use it are done, and some that nobody holds any more once the collector has found that.
	for round := 0; isFull(err) && round <= collections; round++ {
		if d.wait(); d.err != nil {
			return 0, d.err
		}
		if p, err = d.ctx.alloc(n); !isFull(err) || round == collections {
			break
		}
		runtime.GC()
		for end := time.Now().Add(collected); !d.bury() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	return p, err
}

const (
	collections = 2                     // what a sync.Pool keeps is let go by the second
	collected   = 20 * time.Millisecond // cleanups have begun by then
)

// isFull reports whether an error is of too little memory.
func isFull(err error) bool {
	var full *OutOfMemory
	return errors.As(err, &full)
}

// release gives memory back, as soon as what was queued before is done: at once where nothing is. 0 is none. d.mu is held.
func (d *Device) release(p address) {
	if p == 0 {
		return
	}
	d.freed = append(d.freed, p)
	if len(d.queue.list) == 0 && !d.busy {
		d.freeNow()
	}
}

// freeNow frees what was given back, once the device works. Nothing is queued. d.mu is held.
func (d *Device) freeNow() {
	if d.err != nil {
		return
	}
	for _, p := range d.freed {
		d.fail(d.ctx.free(p))
	}
	d.freed = d.freed[:0]
}

// Alloc is memory for n floats.
func (d *Device) Alloc(n int) (kernels.Buffer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return kernels.Buffer{}, d.err
	}
	p, err := d.alloc(4 * uint64(n))
	if err != nil {
		if !isFull(err) {
			d.fail(err)
		}
		return kernels.Buffer{}, err
	}
	a := &kernels.Allocation{Handle: uintptr(p), Floats: n, Owner: d}
	d.allocations++
	one := alive{number: d.allocations}
	if !d.ctx.dry {
		one.cleanup = runtime.AddCleanup(a, d.collected, grave{p, d.allocations})
	}
	d.live[p] = one
	return kernels.DeviceBuffer(a), nil
}

// Free gives an allocation back at once, or after what is queued that still uses it. Without it, it goes when nothing points at it any more.
func (d *Device) Free(b kernels.Buffer) {
	if b.OnHost() {
		return
	}
	on, _ := b.Device()
	d.mu.Lock()
	defer d.mu.Unlock()
	p := address(on.Handle)
	if a, there := d.live[p]; there {
		a.cleanup.Stop()
		delete(d.live, p)
		d.release(p)
	}
	runtime.KeepAlive(on)
}

// at is where a buffer lies; 0 for none. The program's own memory is none of the device's.
func (d *Device) at(b kernels.Buffer) address {
	if b.None() {
		return 0
	}
	if b.OnHost() {
		d.fail(fmt.Errorf("cuda: an operand of %d floats lies in the program's memory; upload it first", b.Len()))
		return 0
	}
	on, at := b.Device()
	if on.Owner != kernels.Device(d) {
		d.fail(fmt.Errorf("cuda: an operand of %d floats lies in the memory of another device; a run moves it by To", b.Len()))
		return 0
	}
	return address(on.Handle) + 4*address(at)
}

// array is where an array lies, and the distance of its rows.
func (d *Device) array(a kernels.Array) (at address, row int64) {
	return d.at(a.Buffer), int64(a.Stride)
}

// Upload copies src, row after row, into dst.
func (d *Device) Upload(dst kernels.Array, src []float32) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(src) != dst.Rows*dst.Cols {
		return fmt.Errorf("cuda: %d floats cannot be uploaded to an array of (%d, %d)", len(src), dst.Rows, dst.Cols)
	}
	if len(src) == 0 || d.err != nil {
		return d.err
	}
	to, row := d.array(dst)
	if dst.Dense() {
		d.up(to, unsafe.Pointer(&src[0]), 4*len(src))
		return d.err
	}
	dense := d.grow(scratchCopy, 4*len(src))
	d.up(dense, unsafe.Pointer(&src[0]), 4*len(src))
	d.copyRows(to, row, dense, int64(dst.Cols), dst.Rows, dst.Cols)
	return d.err
}

// Download copies src, row after row, into dst, after everything that was to be computed.
func (d *Device) Download(dst []float32, src kernels.Array) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.checkDownload(dst, src); err != nil || len(dst) == 0 {
		return err
	}
	d.download(dst, src)
	return d.err
}

// download copies what is not empty. d.mu is held.
func (d *Device) download(dst []float32, src kernels.Array) {
	from, row := d.array(src)
	if !src.Dense() {
		dense := d.grow(scratchCopy, 4*len(dst))
		d.copyRows(dense, int64(src.Cols), from, row, src.Rows, src.Cols)
		from = dense
	}
	d.down(unsafe.Pointer(&dst[0]), from, 4*len(dst))
}

// checkDownload is the device's error, or one where the floats are not as many. d.mu is held.
func (d *Device) checkDownload(dst []float32, src kernels.Array) error {
	if len(dst) != src.Rows*src.Cols {
		return fmt.Errorf("cuda: an array of (%d, %d) cannot be downloaded to %d floats", src.Rows, src.Cols, len(dst))
	}
	return d.err
}

// DownloadAll is Download of each, with one wait: where they are not many numbers, they are put side by side and copied as one.
func (d *Device) DownloadAll(copies []kernels.Download) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	floats := 0
	for _, c := range copies {
		if err := d.checkDownload(c.Dst, c.Src); err != nil {
			return err
		}
		floats += len(c.Dst)
	}
	if floats == 0 {
		return d.err
	}
	if 4*floats > stagingHalf || len(copies) == 1 && copies[0].Src.Dense() {
		for _, c := range copies {
			if len(c.Dst) > 0 {
				d.download(c.Dst, c.Src)
			}
		}
		return d.err
	}
	all := d.grow(scratchCopy, 4*floats)
	at := all
	for _, c := range copies {
		from, row := d.array(c.Src)
		d.copyRows(at, int64(c.Src.Cols), from, row, c.Src.Rows, c.Src.Cols)
		at += address(4 * len(c.Dst))
	}
	host := d.downStaged(all, 4*floats)
	for _, c := range copies {
		if d.err != nil {
			break
		}
		n := 4 * len(c.Dst)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.Dst))), n), host)
		host = host[n:]
	}
	return d.err
}

// rowsArgs is struct Rows of the kernels.
type rowsArgs struct {
	dst, src       address
	to, from       address // numbers of rows; 0: 0, 1, 2 and so on
	dstRow, srcRow int64
	rows, cols     int32
}

// copyRows copies rows within the device. d.mu is held.
func (d *Device) copyRows(dst address, dstRow int64, src address, srcRow int64, rows, cols int) {
	launch(d, "copy_rows", flat(rows*cols), flatThreads, rowsArgs{dst: dst, src: src, dstRow: dstRow, srcRow: srcRow, rows: int32(rows), cols: int32(cols)})
}
