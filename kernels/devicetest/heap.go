package devicetest

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// Device is a foreign device: see the package. It is safe for concurrent use.
type Device struct {
	cpu  *cpu.Device
	heap *heap
}

var _ kernels.Device = (*Device)(nil)

// New is a foreign device with an empty heap, which computes by the kernels of e.
func New(e *kernels.Engine) *Device {
	return &Device{cpu: cpu.New(e), heap: &heap{blocks: map[uintptr][]float32{}}}
}

// heap is the device's memory.
type heap struct {
	mu     sync.Mutex
	last   uintptr
	blocks map[uintptr][]float32
	count  Counts
	full   bool
}

// Counts is what a device was asked for so far.
type Counts struct {
	Operations         int
	Uploads, Downloads int
	Inspections        int // rows of attention that were shown on the host
	Allocated, Freed   int // allocations
}

// Counts tells what the device was asked for.
func (d *Device) Counts() Counts {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	return d.heap.count
}

func (d *Device) counts(f func(c *Counts)) {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	f(&d.heap.count)
}

// Computes is true: see [kernels.Device].
func (d *Device) Computes() bool { return true }

// OnHost is false: see [kernels.Device].
func (d *Device) OnHost() bool { return false }

// Alloc is n floats of the heap, all of them NaN.
func (d *Device) Alloc(n int) (kernels.Buffer, error) {
	h := d.heap
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.full {
		return kernels.Buffer{}, errFull
	}
	h.last++
	h.blocks[h.last] = poisoned(make([]float32, n))
	h.count.Allocated++
	a := &kernels.Allocation{Handle: h.last, Floats: n, Owner: d}
	runtime.AddCleanup(a, h.free, h.last)
	return kernels.DeviceBuffer(a), nil
}

var errFull = errors.New("devicetest: the device's memory is full")

// Fill makes every allocation from now on an error, or none.
func (d *Device) Fill(full bool) {
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	d.heap.full = full
}

// Free poisons an allocation and forgets it.
func (d *Device) Free(b kernels.Buffer) {
	if on, _ := b.Device(); on != nil {
		d.heap.free(on.Handle)
	}
}

func (h *heap) free(handle uintptr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if block, ok := h.blocks[handle]; ok {
		poisoned(block)
		delete(h.blocks, handle)
		h.count.Freed++
	}
}

func poisoned(x []float32) []float32 {
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// memory is a buffer within the heap. It panics where the buffer is the host's, or was given back.
func (d *Device) memory(b kernels.Buffer) kernels.Buffer {
	if b.None() {
		return b
	}
	on, at := b.Device()
	if on == nil {
		panic(fmt.Sprintf("devicetest: %d floats of the host are an operand of a device: upload them first", b.Len()))
	}
	if on.Owner != kernels.Device(d) {
		panic(fmt.Sprintf("devicetest: %d floats of another device are an operand: a run moves them by To", b.Len()))
	}
	d.heap.mu.Lock()
	defer d.heap.mu.Unlock()
	block, ok := d.heap.blocks[on.Handle]
	if !ok {
		panic(fmt.Sprintf("devicetest: memory %d was given back and is used again", on.Handle))
	}
	return kernels.HostBuffer(block[at : at+b.Len() : at+b.Len()])
}

// in is an array within the heap.
func (d *Device) in(a kernels.Array) kernels.Array {
	a.Buffer = d.memory(a.Buffer)
	return a
}

// weight is what PlaceWeight placed, or an array that stands for a weight.
func (d *Device) weight(w kernels.Placed) kernels.Placed {
	d.counts(func(c *Counts) { c.Operations++ })
	if !w.Learned.Buffer.None() {
		return d.in(w.Learned).Weight()
	}
	m, ok := w.On.(*placed)
	if !ok || m.on != d {
		panic(fmt.Sprintf("devicetest: a weight of (%d, %d) was not placed on the device", w.Rows, w.Cols))
	}
	return kernels.Placed{Matrix: m.own}
}

// HasArithmetic is the processor's.
func (d *Device) HasArithmetic(a kernels.Arithmetic) bool { return d.cpu.HasArithmetic(a) }

// PlaceWeight copies the numbers of the layouts that keep them in the matrix; others hold them in the layout, which nobody changes.
func (d *Device) PlaceWeight(w kernels.Matrix) (kernels.Placed, error) {
	written, err := d.cpu.PlaceWeight(w) // writes random weights down
	if err != nil {
		return written, err
	}
	w = written.Matrix
	own := w
	own.F32, own.Bits = append([]float32(nil), w.F32...), append([]uint16(nil), w.Bits...)
	return kernels.Placed{Matrix: w, On: &placed{own, d}}, nil
}

// placed is a weight on a device.
type placed struct {
	own kernels.Matrix
	on  *Device
}

// Upload copies src into dst.
func (d *Device) Upload(dst kernels.Array, src []float32) error {
	d.counts(func(c *Counts) { c.Uploads++ })
	return d.cpu.Upload(d.in(dst), src)
}

// Download copies src into dst.
func (d *Device) Download(dst []float32, src kernels.Array) error {
	d.counts(func(c *Counts) { c.Downloads++ })
	return d.cpu.Download(dst, d.in(src))
}

// DownloadAll copies all, as one download.
func (d *Device) DownloadAll(copies []kernels.Download) error {
	d.counts(func(c *Counts) { c.Downloads++ })
	for _, c := range copies {
		if err := d.cpu.Download(c.Dst, d.in(c.Src)); err != nil {
			return err
		}
	}
	return nil
}
