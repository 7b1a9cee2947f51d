//go:build cuda && linux && cgo

package cuda

import (
	"errors"

	"github.com/loupe-vl/loupe/kernels"
)

// The layouts of kernels.PackedWeights: panels of 32 rows, in blocks of 32 steps.
var (
	layoutInt8      = panelLayout("int8", 8, false)
	layoutInt4      = panelLayout("int4", 4, false)
	layoutInt4Zeros = panelLayout("int4_zeros", 4, true)
)

func init() {
	for _, l := range []*layout{layoutInt8, layoutInt4, layoutInt4Zeros} {
		addLayout(l)
	}
}

// The sizes of quantized weights: see kernels.PackedWeights.
const (
	blockSteps = 32
	longSpan   = 4 // blocks
)

func panelLayout(exact string, bits int, zeros bool) *layout {
	return &layout{
		exact: exact, arithmetic: kernels.ArithmeticInt8,
		is: func(l kernels.Layout) bool {
			p, packed := l.(*kernels.PackedWeights)
			return packed && p.Bits == bits && p.ZeroPoints == zeros
		},
		place: func(d *Device, w *weight, m kernels.Matrix) error {
			return d.placePanels(w, m.Layout.(*kernels.PackedWeights))
		},
		affine: func(d *Device, a productArgs, w weight) { d.quantizedProduct(a, w) },
		added: func(d *Device, a productArgs, w weight) {
			d.fail(errors.New("cuda: a product with quantized weights cannot be added to its result"))
		},
	}
}

// placePanels copies quantized weights. d.mu is held.
func (d *Device) placePanels(w *weight, p *kernels.PackedWeights) (err error) {
	if err := p.Check(); err != nil {
		return err
	}
	w.cut(p)
	more := p.SubScales // beside the weights and their scales
	if p.ZeroPoints {
		more = p.Zeros
	}
	if w.panels.weights, err = place(d, p.Weights); err != nil {
		return err
	}
	if w.panels.scales, err = place(d, p.Scales); err != nil {
		return err
	}
	if p.Bits == 4 {
		w.panels.more, err = place(d, more)
	}
	return err
}

// cut says how packed weights are cut up.
func (w *weight) cut(p *kernels.PackedWeights) {
	per, n := p.Group/blockSteps, blocks(p.Cols, blockSteps)
	w.panels.blocks, w.panels.groups, w.panels.per = int32(n), int32(blocks(n, per)), int32(per)
	if w.span = 1; per%longSpan == 0 || w.panels.groups == 1 {
		w.span = longSpan
	}
}
