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

// weight is a weight in the device's memory, as it was stored.
type weight struct {
	layout     string // how kernels are named by it: f32, bf16, f16, bf16_rounded, int8, int4 or int4_zeros
	span       int    // of quantized weights: how many blocks of x share a scale
	rows, cols int
	row        int64 // elements from one row to the next
	at         address
	panels     panelsArgs
}

// quantized reports whether products with the weight have an arithmetic of their own.
func (w *weight) quantized() bool { return w.span > 0 }

// exact is the suffix of kernels for which the weight stands for the numbers that it holds.
func (w *weight) exact() string {
	if w.layout == "bf16_rounded" {
		return "bf16"
	}
	return w.layout
}

// PlaceWeight copies a weight to the device, in the layout that it is stored in.
func (d *Device) PlaceWeight(m kernels.Matrix) (kernels.Placed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return kernels.Placed{}, d.err
	}
	w := &weight{rows: m.Rows, cols: m.Cols, row: int64(m.Stride)}
	var err error
	switch l := m.Layout.(type) {
	case *kernels.PackedWeights:
		err = d.placePanels(w, l)
	case *kernels.RandomWeights:
		err = d.placeRandom(w, l)
	default:
		n := elements(m)
		switch m.Layout {
		case kernels.F32:
			w.layout = "f32"
			w.at, err = place(d, m.F32[:n])
		case kernels.BF16:
			w.layout = "bf16"
			w.at, err = place(d, m.Bits[:n])
		case kernels.BF16Products:
			w.layout = "bf16_rounded"
			w.at, err = place(d, m.Bits[:n])
		case kernels.F16:
			w.layout = "f16"
			w.at, err = place(d, m.Bits[:n])
		default:
			if m.Arithmetic() != kernels.ArithmeticExact {
				err = errors.New("there are no kernels for its layout on this device; compute it on the CPU")
				break
			}
			x := make([]float32, m.Rows*m.Cols) // a layout of other numbers: these are what it stands for
			m.Layout.Dequantize(x, m.Cols, m, 0, m.Rows, 0, m.Cols)
			w.layout, w.row = "f32", int64(m.Cols)
			w.at, err = place(d, x)
		}
	}
	if err != nil {
		for _, p := range w.parts() { // what of it has a place
			if p != 0 && d.err == nil {
				d.fail(d.ctx.free(p))
			}
		}
		return kernels.Placed{}, fmt.Errorf("cuda: a weight of (%d, %d) cannot be placed: %w", m.Rows, m.Cols, err)
	}
	runtime.AddCleanup(w, d.drop, w.parts())
	return kernels.Placed{Matrix: m, On: w}, nil
}

// parts are the allocations of a weight.
func (w *weight) parts() [4]address {
	return [4]address{w.at, w.panels.weights, w.panels.scales, w.panels.more}
}

// drop gives a weight's memory back, once nothing points at it any more. The driver waits for kernels that still read it.
func (d *Device) drop(parts [4]address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range parts {
		if p != 0 && d.err == nil {
			d.fail(d.ctx.free(p))
		}
	}
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
	p, err := d.ctx.alloc(uint64(size))
	if err != nil {
		return 0, err
	}
	d.up(p, unsafe.Pointer(unsafe.SliceData(x)), size)
	return p, d.err // a place, even where what was to go there did not
}

// weightOf is a placed weight, or an array that stands where one does.
func (d *Device) weightOf(p kernels.Placed) weight {
	if w, is := p.On.(*weight); is {
		return *w
	}
	if p.Learned.Buffer.None() {
		d.fail(fmt.Errorf("cuda: a weight of (%d, %d) lies in the program's memory; place it first", p.Rows, p.Cols))
	}
	at, row := d.array(p.Learned)
	return weight{layout: "f32", rows: p.Learned.Rows, cols: p.Learned.Cols, row: row, at: at}
}

// placePanels copies quantized weights. d.mu is held.
func (d *Device) placePanels(w *weight, p *kernels.PackedWeights) error {
	if err := p.Check(); err != nil {
		return err
	}
	d.describePanels(w, p)
	var more []byte // beside the weights and their scales
	switch {
	case p.Bits == 8:
	case p.ZeroPoints:
		more = p.Zeros
	default:
		more = p.SubScales
	}
	var err error
	if w.panels.weights, err = place(d, p.Weights); err != nil {
		return err
	}
	if w.panels.scales, err = place(d, p.Scales); err != nil {
		return err
	}
	if len(more) > 0 {
		w.panels.more, err = place(d, more)
	}
	return err
}

// describePanels sets how packed weights are named and cut up.
func (d *Device) describePanels(w *weight, p *kernels.PackedWeights) {
	per, n := p.Group/blockSteps, blocks(p.Cols, blockSteps)
	w.panels.blocks, w.panels.groups, w.panels.per = int32(n), int32(blocks(n, per)), int32(per)
	if w.span = 1; per%longSpan == 0 || w.panels.groups == 1 {
		w.span = longSpan
	}
	switch {
	case p.Bits == 8:
		w.layout = "int8"
	case p.ZeroPoints:
		w.layout = "int4_zeros"
	default:
		w.layout = "int4"
	}
}

// The sizes of quantized weights: see kernels.PackedWeights.
const (
	blockSteps = 32
	longSpan   = 4 // blocks
)
