//go:build !purego

package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestStripsOfOneRow: both strips of one row, of which a machine uses one, compute the arithmetic, whatever the number of lines, with
// operands against pages without access.
func TestStripsOfOneRow(t *testing.T) {
	if wide := machinePaths()[0]; !wide.available {
		t.Skipf("this processor has no %s", wide.name)
	}
	e := engine(t, Options{Kernels: "avx512"})
	var swapped, pairs *path
	for _, p := range e.path.ways() {
		if p.per() == 2 {
			pairs = p
		} else {
			swapped = p
		}
	}
	for _, c := range []struct {
		name   string
		path   *path
		layout ElementLayout
		strip  stripFunc
	}{
		{"F32", e.path, F32, strip1F32AVX512}, {"F32Near", e.path, F32, strip1F32NearAVX512}, {"F16", e.path, F16, strip1F16AVX512}, {"F16Near", e.path, F16, strip1F16NearAVX512},
		{"BF16", e.path, BF16, strip1BF16AVX512}, {"BF16Near", e.path, BF16, strip1BF16NearAVX512}, {"Swapped", swapped, BF16, strip1SwappedAVX512}, {"SwappedNear", swapped, BF16, strip1SwappedNearAVX512},
		{"Pairs", pairs, BF16, strip1PairsAVX512}, {"PairsNear", pairs, BF16, strip1PairsNearAVX512},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.path == nil {
				t.Skip("this processor has no instruction for pairs of bfloat16")
			}
			r := rand.New(rand.NewPCG(71, 72))
			at := c.layout.Elements(Matrix{})
			for lines := 1; lines <= 10; lines++ {
				p := newProblem(t, r, problem{rows: 1, cols: 32, k: lines * at.line(), layout: c.layout, transW: true})
				scatter(r, p.w.Bits, 150, 0x7f80) // some lines have weights that are rounded to 0, and some have none
				want := p.naive()
				if c.path.roundX != nil {
					p.w.Layout, want = BF16Products, p.roundedNaive()
				}
				own := *c.path
				own.dense = slices.Clone(own.dense)
				own.routines(c.layout).strips = []strip{{1, 16, c.strip}}
				e.path, e.rounded = &own, func() *path { return &own }
				for _, side := range pages.Sides {
					x, w, dst := p.x, p.w, pages.Like(t, side, make([]float32, len(want)))
					x.Data, w.F32, w.Bits = pages.Like(t, side, p.x.Data), pages.Like(t, side, p.w.F32), pages.Like(t, side, p.w.Bits)
					e.MatMul(View{Data: dst, Rows: 1, Cols: p.cols, RowStride: p.cols, ColStride: 1}, x, w, TransW)
					if !kerneltest.SameBits(dst, want) {
						t.Fatalf("%v, %s: differs from the arithmetic", p, side)
					}
				}
			}
		})
	}
}
