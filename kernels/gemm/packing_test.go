package gemm_test

import (
	"math/rand/v2"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// eachPacking runs a test on the sets of instructions that have a tile which packs.
func eachPacking(t *testing.T, f func(t *testing.T, ks *Kernels, emulated bool)) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		if ks.RoutinesOf(BF16).Packing == nil {
			if ks.Name == "avx512" {
				t.Fatal("no tile packs")
			}
			t.Skip("no tile packs")
		}
		f(t, ks, emulated)
	})
}

// TestPackingTiles: a tile that packs gives the bits of the tile, and of packing alone.
func TestPackingTiles(t *testing.T) {
	eachPacking(t, func(t *testing.T, ks *Kernels, _ bool) { gemmtest.PackingTile(t, ks, ks.RoutinesOf(BF16)) })
}

// TestProductsPackOnTheSide: products that are large enough pack the next panel beside the tiles of this one, for any number of steps, and
// give the bits of law 1.
func TestProductsPackOnTheSide(t *testing.T) {
	eachPacking(t, func(t *testing.T, ks *Kernels, emulated bool) {
		for _, c := range gemmtest.PackingSizes(ks) {
			if emulated && c.K != 600 {
				continue
			}
			calls := 0
			m := multiplier(t, gemmtest.CountPacking(*ks, &calls), 1)
			r := rand.New(rand.NewPCG(uint64(c.K), 63))
			p := gemmtest.New(t, r, gemmtest.Problem{Rows: 22*ks.MR + 1, Cols: c.Cols, K: c.K, Layout: BF16, TransW: true, Accumulate: c.K == 600})
			gemmtest.Scatter(r, p.W.Bits, 4, 0x7f80)
			if !kerneltest.SameBits(p.Run(t, m.MatMul), p.Naive()) {
				t.Errorf("%v: differs from law 1", p)
			}
			if calls == 0 {
				t.Errorf("%v: nothing was packed on the side", p)
			}
		}
	})
}
