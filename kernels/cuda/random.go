//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// randomHalvesArgs is struct RandomHalves of the kernels.
type randomHalvesArgs struct {
	out, values address
	key         uint64
	n           int64
}

// randomPanelsArgs is struct RandomPanels of the kernels.
type randomPanelsArgs struct {
	weights, scales, more           address
	key                             uint64
	nWeights, nScales, nMore        int64
	rows, cols, blocks, bits, scale int32
	unused                          int32
}

// layoutRandom are weights that are made on the device, where they have another layout.
var layoutRandom = &layout{
	is: func(l kernels.Layout) bool {
		_, random := l.(*kernels.RandomWeights)
		return random
	},
	place: func(d *Device, w *weight, m kernels.Matrix) error {
		return d.placeRandom(w, m.Layout.(*kernels.RandomWeights))
	},
}

func init() { addLayout(layoutRandom) }

// placeRandom makes random weights in the device's memory. d.mu is held.
func (d *Device) placeRandom(w *weight, r *kernels.RandomWeights) (err error) {
	w.layout = layoutOf(r.As)
	if p, packed := r.As.(*kernels.PackedWeights); packed {
		return d.randomPanels(w, r, p)
	}
	switch w.layout {
	case layoutBF16, layoutRounded, layoutMMA:
	default:
		return fmt.Errorf("random weights of layout %T cannot be made on a GPU; measure a model on disk", r.As)
	}
	n := w.rows * w.cols
	if w.at, err = d.alloc(2 * uint64(n)); err != nil {
		return err
	}
	values := d.grow(scratchCopy, 2*len(r.Values))
	d.up(values, unsafe.Pointer(r.Values), 2*len(r.Values))
	launch(d, "random_halves", flat(blocks(n, 4)), flatThreads, randomHalvesArgs{out: w.at, values: values, key: r.Key, n: int64(n)})
	return d.err
}

// randomPanels is placeRandom of packed weights.
func (d *Device) randomPanels(w *weight, r *kernels.RandomWeights, p *kernels.PackedWeights) (err error) {
	w.row = 0
	w.cut(p)
	if w.layout == layoutInt4Zeros {
		return fmt.Errorf("random weights of 4 bits have no zero points; leave them away")
	}
	a := randomPanelsArgs{key: r.Key, rows: int32(p.Rows), cols: int32(p.Cols), blocks: w.panels.blocks, bits: int32(p.Bits), scale: int32(r.Scale)}
	for _, part := range p.Parts() {
		n := int64(1)
		for _, s := range part.Shape {
			n *= int64(s)
		}
		var at address
		size := n
		if part.Halves != nil {
			size *= 2
		}
		if at, err = d.alloc(uint64(size)); err != nil {
			return err
		}
		switch {
		case part.Halves != nil:
			w.panels.scales, a.scales, a.nScales = at, at, n
		case part.Bytes == &p.Weights:
			w.panels.weights, a.weights, a.nWeights = at, at, n
		default:
			w.panels.more, a.more, a.nMore = at, at, n
		}
	}
	launch(d, "random_panels", flat(int(a.nWeights/8)), flatThreads, a)
	return d.err
}
