package gemmtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// packedSteps is how many elements of a panel a PackingTile packs of a row at once, as in package gemm.
const packedSteps = 16

// PackingTile tests the tile of ks that packs bfloat16 weights, by: it computes what the tile does that does not pack, packs what packing alone
// does, and touches nothing else. All operands lie against pages without access.
func PackingTile(t *testing.T, ks *gemm.Kernels, by *gemm.Routines) {
	r := rand.New(rand.NewPCG(61, 62))
	floats := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for blocks := 1; blocks <= 3; blocks++ {
		for _, more := range []int{0, 1, 3, 4, 21} {
			k, steps, stride := 4*(ks.MR+ks.NR*blocks)+more, blocks*packedSteps, ks.NR+more
			m := gemm.Matrix{Layout: gemm.BF16, Rows: ks.NR, Cols: steps * ks.PerElement, Stride: steps*ks.PerElement + more}
			weights := make([]uint16, (m.Rows-1)*m.Stride+m.Cols)
			Scatter(r, weights, 1, 0x7f80)
			x, w, start := floats(k*ks.MR), floats(k*ks.NR), floats((ks.MR-1)*stride+ks.NR)
			for _, side := range pages.Sides {
				m.Bits = pages.Like(t, side, weights)
				xs, ws, dst, want := pages.Like(t, side, x), pages.Like(t, side, w), pages.Like(t, side, start), slices.Clone(start)
				packed := make([]float32, steps*ks.NR)
				to := pages.Like(t, side, packed)
				acc := blocks % 2
				ks.Tile(k, &x[0], &w[0], &want[0], stride, acc)
				by.Pack(packed, ks.NR, m, 0, ks.NR, 0, steps)
				at := gemm.BF16.Elements(m)
				by.Packing(k, &xs[0], &ws[0], &dst[0], stride, acc, at.At(0, 0), m.Stride, &to[0], blocks)
				what := fmt.Sprintf("%s, %d blocks beside %d steps", side, blocks, k)
				if !kerneltest.SameBits(dst, want) {
					t.Errorf("%s: the product differs from the tile's", what)
				}
				if !kerneltest.SameBits(to, packed) {
					t.Errorf("%s: the panel differs from that of packing alone", what)
				}
				if !kerneltest.SameBits(xs, x) || !kerneltest.SameBits(ws, w) || !slices.Equal(m.Bits, weights) {
					t.Errorf("%s: an operand was changed", what)
				}
			}
		}
	}
}

// CountPacking is ks with a tile that packs bfloat16 weights as before, and counts in calls how often it does.
func CountPacking(ks gemm.Kernels, calls *int) *gemm.Kernels {
	ks.Dense = slices.Clone(ks.Dense)
	for i := range ks.Dense {
		by := &ks.Dense[i]
		if packing := by.Packing; packing != nil {
			by.Packing = func(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int) {
				*calls++
				packing(k, x, w, dst, stride, accumulate, from, fromStride, to, blocks)
			}
		}
	}
	return &ks
}

// PackingSizes are columns and steps of products that pack beside their tiles: blocks of steps that are packed whole or leave a remainder,
// columns with a remainder, and weights that end where the product ends.
func PackingSizes(ks *gemm.Kernels) []struct{ Cols, K int } {
	return []struct{ Cols, K int }{{3 * ks.NR, 600}, {2*ks.NR + 5, 1100}, {2 * ks.NR, 1037}, {4 * ks.NR, 700}}
}

// OneRow tests a routine of one row for whole lines of weights, 1 to 10 of them, with operands against pages without access: multiply
// computes a product by it, and want is what that is.
func OneRow(t *testing.T, layout gemm.ElementLayout, multiply func(dst, x gemm.View, w gemm.Matrix), want func(p *Problem) []float32) {
	r := rand.New(rand.NewPCG(71, 72))
	size := map[gemm.Layout]int{gemm.F32: 4, gemm.BF16: 2, gemm.F16: 2}[layout]
	for lines := 1; lines <= 10; lines++ {
		p := New(t, r, Problem{Rows: 1, Cols: 32, K: lines * 64 / size, Layout: layout, TransW: true})
		Scatter(r, p.W.Bits, 150, 0x7f80) // some lines have weights that products of bfloat16 round to 0, and some have none
		want := want(p)
		for _, side := range pages.Sides {
			x, w, dst := p.X, p.W, pages.Like(t, side, make([]float32, len(want)))
			x.Data, w.F32, w.Bits = pages.Like(t, side, p.X.Data), pages.Like(t, side, p.W.F32), pages.Like(t, side, p.W.Bits)
			multiply(gemm.View{Data: dst, Rows: 1, Cols: p.Cols, RowStride: p.Cols, ColStride: 1}, x, w)
			if !kerneltest.SameBits(dst, want) {
				t.Fatalf("%v, %s: differs from the arithmetic", p, side)
			}
		}
	}
}
