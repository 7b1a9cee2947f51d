package qgemm

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestGuardedQuantized puts panels, activations and results of each quantized tile, and the rows that are quantized, against
// pages without access, and compares with plain Go.
func TestGuardedQuantized(t *testing.T) {
	eachSet(t, func(t *testing.T, _ *gemm.Kernels, sets []*Kernels) {
		for _, how := range quantizings {
			for _, k := range []int{1, 31, 32, 33, 64, 100, 128, 200, 300} {
				p := newQuantProblem(t, rand.New(rand.NewPCG(uint64(k), 5)), quantProblem{rows: 8, cols: 32, k: k, how: how})
				for _, side := range pages.Sides {
					for _, ks := range sets {
						for _, tile := range p.panels.form().kernels(ks).tiles {
							p.onPages(t, side, ks.activations, tile)
						}
					}
				}
			}
		}
	})
}

func (p *quantProblem) onPages(t *testing.T, side pages.Side, quantize activationsFunc, tile tile) {
	t.Helper()
	blocks := p.panels.blocks()
	how := p.panels.form().activations(p.panels)
	bytes := pages.Like(t, side, make([]byte, tile.rows*blocks*int(unsafe.Sizeof(q8Block{}))))
	xs := unsafe.Slice((*q8Block)(unsafe.Pointer(&bytes[0])), tile.rows*blocks)
	x := pages.Like(t, side, p.x.Data[:tile.rows*p.k])
	for r := range tile.rows {
		quantize(xs[r*blocks:][:blocks], x[r*p.k:][:p.k], how)
	}
	want := make([]q8Block, len(xs))
	for r := range tile.rows {
		quantizeActivations(want[r*blocks:][:blocks], x[r*p.k:][:p.k], how)
	}
	if !slices.Equal(xs, want) {
		t.Fatalf("%v, %s: the quantized rows differ from plain Go's", p, side)
	}
	_, _, all := p.panels.panel(0)
	weights, scales, beside := pages.Like(t, side, p.panels.Weights), pages.Like(t, side, p.panels.Scales), pages.Like(t, side, all)
	if all == nil {
		beside = nil
	}
	stride := 32 + 3
	dst := pages.Like(t, side, make([]float32, (tile.rows-1)*stride+32))
	tile.run(blocks, &xs[0], blocks, &weights[0], &scales[0], unsafe.SliceData(beside), p.panels.groupBlocks(), &dst[0], stride, how.group)
	one := make([]float32, 32)
	for r := range tile.rows {
		p.panels.form().kernels(&generic).tiles[0].run(blocks, &xs[r*blocks], blocks, &weights[0], &scales[0], unsafe.SliceData(beside), p.panels.groupBlocks(), &one[0], 32, how.group)
		if !kerneltest.SameBits(dst[r*stride:][:32], one) {
			t.Fatalf("%v, %s, %d rows: row %d differs from plain Go's", p, side, tile.rows, r)
		}
	}
	if !slices.Equal(weights, p.panels.Weights) || !slices.Equal(scales, p.panels.Scales) || !slices.Equal(xs, want) {
		t.Fatalf("%v: an operand was changed", p)
	}
}
