package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// eachPacking runs a test on every way of a path to compute products whose tiles pack weights on the side.
func eachPacking(t *testing.T, f func(t *testing.T, p *path)) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name})
		ways := []*path{e.path}
		if borrowed == nil {
			ways = append(ways, e.path.ways()...)
		}
		found := false
		for _, p := range ways {
			if p.routines(BF16).packing != nil {
				found = true
				t.Run(fmt.Sprintf("rounded=%v,steps=%d", p.roundX != nil, p.per()), func(t *testing.T) { f(t, p) })
			}
		}
		if !found && name == "avx512" {
			t.Error("no tile of this path packs")
		}
		if !found {
			t.Skip("no tile of this path packs")
		}
	})
}

// TestPackingTiles: a tile that packs computes what the tile does that does not, and packs what packing alone does, and touches nothing
// else: all operands lie against pages without access.
func TestPackingTiles(t *testing.T) {
	eachPacking(t, func(t *testing.T, p *path) {
		r := rand.New(rand.NewPCG(61, 62))
		floats := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			return x
		}
		per, by := p.per(), p.routines(BF16)
		for blocks := 1; blocks <= 3; blocks++ {
			for _, more := range []int{0, 1, 3, 4, 21} {
				k, steps, stride := 4*(p.mr+p.nr*blocks)+more, blocks*packedSteps, p.nr+more
				m := Matrix{Layout: BF16, Rows: p.nr, Cols: steps * per, Stride: steps*per + more}
				weights := make([]uint16, (m.Rows-1)*m.Stride+m.Cols)
				scatter(r, weights, 1, 0x7f80)
				x, w, start := floats(k*p.mr), floats(k*p.nr), floats((p.mr-1)*stride+p.nr)
				for _, side := range pages.Sides {
					m.Bits = pages.Like(t, side, weights)
					xs, ws, dst, want := pages.Like(t, side, x), pages.Like(t, side, w), pages.Like(t, side, start), slices.Clone(start)
					packed := make([]float32, steps*p.nr)
					to := pages.Like(t, side, packed)
					acc := blocks % 2
					p.tile(k, &x[0], &w[0], &want[0], stride, acc)
					by.pack(packed, p.nr, m, 0, p.nr, 0, steps)
					at := BF16.Elements(m)
					by.packing(k, &xs[0], &ws[0], &dst[0], stride, acc, at.At(0, 0), m.Stride, &to[0], blocks)
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
	})
}

// TestProductsPackOnTheSide: products that are large enough pack on the side, for any number of steps, and give the bits of the
// arithmetic. It tries blocks of steps that are packed whole or leave a remainder, rows and columns with a remainder, and weights that
// end where the product ends.
func TestProductsPackOnTheSide(t *testing.T) {
	eachPacking(t, func(t *testing.T, p *path) {
		tile := p.routines(BF16).packing
		for _, c := range []struct{ cols, k int }{{3 * p.nr, 600}, {2*p.nr + 5, 1100}, {2 * p.nr, 1037}, {4 * p.nr, 700}} {
			if borrowed != nil && c.k != 600 {
				continue
			}
			e := engine(t, Options{Kernels: p.name, Threads: 1})
			calls, own := 0, *p
			own.dense = slices.Clone(p.dense)
			own.routines(BF16).packing = func(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int) {
				calls++
				tile(k, x, w, dst, stride, accumulate, from, fromStride, to, blocks)
			}
			rounded := p.roundX != nil
			e.path, e.rounded = &own, func() *path { return &own }
			r := rand.New(rand.NewPCG(uint64(c.k), 63))
			q := newProblem(t, r, problem{rows: 22*p.mr + 1, cols: c.cols, k: c.k, layout: BF16, transW: true, accumulate: !rounded && c.k == 600})
			scatter(r, q.w.Bits, 4, 0x7f80)
			want := q.naive
			if rounded {
				q.w.Layout, want = BF16Products, q.roundedNaive
			}
			if !kerneltest.SameBits(q.run(t, e, false), want()) {
				t.Errorf("%v: differs from the arithmetic", q)
			}
			if calls == 0 {
				t.Errorf("%v: nothing was packed on the side", q)
			}
		}
	})
}
