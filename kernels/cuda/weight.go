//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// panelsArgs is struct Panels of the kernels.
type panelsArgs struct {
	weights, scales, more address
	blocks, groups, per   int32
	unused                int32
}

// weight is a weight in the device's memory.
type weight struct {
	*layout
	span       int // of quantized weights: how many blocks of x share a scale
	rows, cols int
	row        int64 // elements from one row to the next
	at         address
	panels     panelsArgs
	on         *Device
}

// PlaceWeight copies a weight to the device, in the layout that it is stored in.
func (d *Device) PlaceWeight(m kernels.Matrix) (kernels.Placed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return kernels.Placed{}, d.err
	}
	w := &weight{layout: layoutOf(m.Layout), rows: m.Rows, cols: m.Cols, row: int64(m.Stride), on: d}
	err := kernels.RefuseArithmetic(d, m)
	switch {
	case err != nil:
	case w.layout != nil:
		err = w.place(d, w, m)
	case m.Arithmetic() != kernels.ArithmeticExact:
		err = errors.New("there are no kernels for its layout on this device; compute it on the CPU")
	default:
		x := make([]float32, m.Rows*m.Cols) // a layout of other numbers: these are what it stands for
		m.Layout.Dequantize(x, m.Cols, m, 0, m.Rows, 0, m.Cols)
		w.layout, w.row = layoutF32, int64(m.Cols)
		w.at, err = place(d, x)
	}
	if err != nil {
		for _, p := range w.parts() { // what of it has a place
			d.release(p)
		}
		return kernels.Placed{}, fmt.Errorf("cuda: a weight of (%d, %d) cannot be placed: %w", m.Rows, m.Cols, err)
	}
	if !d.ctx.dry {
		for _, p := range w.parts() {
			runtime.AddCleanup(w, d.collected, grave{at: p})
		}
	}
	return kernels.Placed{Matrix: m, On: w}, nil
}

// parts are the allocations of a weight.
func (w *weight) parts() [4]address {
	return [4]address{w.at, w.panels.weights, w.panels.scales, w.panels.more}
}

// elements is how many elements of its memory a matrix spans.
func elements(m kernels.Matrix) int {
	if m.Rows == 0 || m.Cols == 0 {
		return 0
	}
	return (m.Rows-1)*m.Stride + m.Cols
}

// place copies numbers to memory of their own. d.mu is held.
func place[E any](d *Device, x []E) (address, error) {
	size := len(x) * int(unsafe.Sizeof(*new(E)))
	p, err := d.alloc(uint64(size))
	if err != nil {
		return 0, err
	}
	d.up(p, unsafe.Pointer(unsafe.SliceData(x)), size)
	return p, d.err // a place, even where what was to go there did not
}

// weightOf is a placed weight, or an array that stands where one does.
func (d *Device) weightOf(p kernels.Placed) weight {
	if w, is := p.On.(*weight); is {
		if w.on != d {
			d.fail(fmt.Errorf("cuda: a weight of (%d, %d) lies on another device", p.Rows, p.Cols))
		}
		return *w
	}
	if p.Learned.Buffer.None() {
		d.fail(fmt.Errorf("cuda: a weight of (%d, %d) lies in the program's memory; place it first", p.Rows, p.Cols))
	}
	at, row := d.array(p.Learned)
	return weight{layout: layoutF32, rows: p.Learned.Rows, cols: p.Learned.Cols, row: row, at: at}
}
