//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
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
	n := elements(m)
	switch l := m.Layout.(type) {
	case *kernels.Panels:
		err = d.placePanels(w, l)
	default:
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
			err = errors.New("there are no kernels for its layout on this device; compute it on the CPU")
		}
	}
	if err != nil {
		return kernels.Placed{}, fmt.Errorf("cuda: a weight of (%d, %d) cannot be placed: %w", m.Rows, m.Cols, err)
	}
	return kernels.Placed{Matrix: m, On: w}, nil
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
	return p, d.err
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
func (d *Device) placePanels(w *weight, p *kernels.Panels) error {
	if err := p.Check(); err != nil {
		return err
	}
	per, n := p.Group/blockSteps, blocks(p.Cols, blockSteps)
	w.panels.blocks, w.panels.groups, w.panels.per = int32(n), int32(blocks(n, per)), int32(per)
	if w.span = 1; per%longSpan == 0 || w.panels.groups == 1 {
		w.span = longSpan
	}
	more := p.Zeros
	switch {
	case p.Bits == 8:
		w.layout = "int8"
	case p.Zeros == nil:
		w.layout, more = "int4", p.Multiples
	default:
		w.layout = "int4_zeros"
	}
	var err error
	if w.panels.weights, err = place(d, p.Weights); err != nil {
		return err
	}
	if w.panels.scales, err = place(d, p.Scales); err != nil {
		return err
	}
	if more != nil {
		w.panels.more, err = place(d, more)
	}
	return err
}

// The sizes of quantized weights: see kernels.Panels.
const (
	blockSteps = 32
	longSpan   = 4 // blocks
)
