package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestGuardedQuantized puts panels, activations and results of each quantized tile, and the rows that are quantized, against
// pages without access, and compares with plain Go.
func TestGuardedQuantized(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		sets := engine(t, Options{Kernels: name}).path.quantSets()
		for _, how := range quantizings {
			for _, k := range []int{1, 31, 32, 33, 64, 100, 128, 200, 300} {
				p := newQuantProblem(t, rand.New(rand.NewPCG(uint64(k), 5)), quantProblem{rows: 8, cols: 32, k: k, how: how})
				for _, side := range pages.Sides {
					for _, routines := range sets {
						for _, tile := range p.panels.form().routines(routines).tiles {
							p.onPages(t, side, routines.quantize, tile)
						}
					}
				}
			}
		}
	})
}

func (p *quantProblem) onPages(t *testing.T, side pages.Side, quantize quantizeXFunc, tile quantTile) {
	t.Helper()
	blocks := p.panels.blocks()
	how := p.panels.form().activations(p.panels)
	bytes := pages.Like(t, side, make([]byte, tile.rows*blocks*int(unsafe.Sizeof(xBlock{}))))
	xs := unsafe.Slice((*xBlock)(unsafe.Pointer(&bytes[0])), tile.rows*blocks)
	x := pages.Like(t, side, p.x.Data[:tile.rows*p.k])
	for r := range tile.rows {
		quantize(xs[r*blocks:][:blocks], x[r*p.k:][:p.k], how)
	}
	want := make([]xBlock, len(xs))
	for r := range tile.rows {
		quantizeXGeneric(want[r*blocks:][:blocks], x[r*p.k:][:p.k], how)
	}
	if !slices.Equal(xs, want) {
		t.Fatalf("%v, %s: the quantized rows differ from plain Go's", p, side)
	}
	_, _, all := p.panels.panel(0)
	weights, scales, more := pages.Like(t, side, p.panels.Weights), pages.Like(t, side, p.panels.Scales), pages.Like(t, side, all)
	if all == nil {
		more = nil
	}
	stride := 32 + 3
	dst := pages.Like(t, side, make([]float32, (tile.rows-1)*stride+32))
	tile.run(blocks, &xs[0], blocks, &weights[0], &scales[0], unsafe.SliceData(more), p.panels.per(), &dst[0], stride, how.span)
	one := make([]float32, 32)
	for r := range tile.rows {
		p.panels.form().routines(&quantGeneric).tiles[0].run(blocks, &xs[r*blocks], blocks, &weights[0], &scales[0], unsafe.SliceData(more), p.panels.per(), &one[0], 32, how.span)
		if !kerneltest.SameBits(dst[r*stride:][:32], one) {
			t.Fatalf("%v, %s, %d rows: row %d differs from plain Go's", p, side, tile.rows, r)
		}
	}
	if !slices.Equal(weights, p.panels.Weights) || !slices.Equal(scales, p.panels.Scales) || !slices.Equal(xs, want) {
		t.Fatalf("%v: an operand was changed", p)
	}
}
