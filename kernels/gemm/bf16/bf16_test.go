package bf16

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
	"github.com/loupe-vl/loupe/kernels/num"
)

// naive is the arithmetic of bfloat16 products as it is written.
func naive(p *gemmtest.Problem) []float32 {
	var out []float32
	for r := range p.Rows {
		x := func(k int) float32 {
			if k >= p.K {
				return 0
			}
			v := p.X.Data[r*p.X.RowStride+k]
			if math.Abs(float64(v)) < 0x1p-49 {
				return 0
			}
			return num.BF16ToF32(num.F32ToBF16(v))
		}
		for c := range p.Cols {
			w := func(k int) float32 {
				if k >= p.K {
					return 0
				}
				var one [1]float32
				p.W.Layout.Dequantize(one[:], 1, p.W, c, 1, k, 1)
				v := num.BF16ToF32(num.F32ToBF16(one[0]))
				if math.Abs(float64(v)) < 0x1p-63 {
					return 0
				}
				return v
			}
			acc := float32(0)
			for k := 0; k < p.K; k += 2 {
				acc = num.FMA(x(k+1), w(k+1), acc)
				acc = num.FMA(x(k), w(k), acc)
			}
			out = append(out, acc)
		}
	}
	return out
}

// eachWay runs a test on every way in which each set of instructions of this machine multiplies bfloat16.
func eachWay(t *testing.T, f func(t *testing.T, ks *Kernels)) {
	own := func(name string) *gemm.Kernels {
		for _, ks := range gemm.Sets() {
			if ks.Name == name && ks.Available {
				return ks
			}
		}
		return nil
	}
	none := func(t *testing.T, _ string) (*gemm.Kernels, string) {
		t.Skip("not on this machine, and the emulated processor runs the exact kernels only")
		return nil, ""
	}
	kerneltest.Each(t, own, none, func(t *testing.T, _ string, ks *gemm.Kernels, _ bool) {
		for _, way := range Ways(ks) {
			t.Run(fmt.Sprintf("elements of %d", way.PerElement), func(t *testing.T) { f(t, way) })
		}
	})
}

// multiply is Affine without a bias, by ks on so many threads.
func multiply(t *testing.T, ks *Kernels, threads int) func(dst, x gemm.View, w gemm.Matrix, _ gemm.Form) {
	workers := pool.New(threads)
	t.Cleanup(workers.Close)
	m := New(ks, gemm.New(ks.Kernels, workers), workers)
	return func(dst, x gemm.View, w gemm.Matrix, _ gemm.Form) { m.Affine(dst, x, w, nil) }
}

func TestPaths(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		r := rand.New(rand.NewPCG(41, 42))
		sizes := []int{1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 31, 32, 33, 64, 70}
		product := multiply(t, ks, 2)
		for i := range 300 {
			c := gemmtest.Problem{Rows: sizes[r.IntN(len(sizes))], Cols: sizes[r.IntN(len(sizes))], K: sizes[r.IntN(len(sizes))], Layout: []gemm.ElementLayout{gemm.BF16, gemm.BF16, gemm.F32, gemm.F16}[i%4], TransW: true, Pad: r.IntN(4), Offset: r.IntN(4)}
			if i%25 == 0 {
				c.K = 1024 + sizes[r.IntN(len(sizes))] - 2
			}
			p := gemmtest.New(t, r, c)
			p.W, _ = gemm.ToBF16(p.W, gemm.BF16Products, func(n, _ int, f func(lo, hi int)) { f(0, n) })
			for i := range p.X.Data { // some tiny, some in the bounds' neighborhood
				if r.IntN(8) == 0 {
					p.X.Data[i] *= float32(math.Ldexp(1, -45-r.IntN(100)))
				}
			}
			if p.Layout == gemm.BF16 {
				gemmtest.Scatter(r, p.W.Bits, 8, 0x4000)
			}
			if !kerneltest.SameBits(p.Run(t, product), naive(p)) {
				t.Fatalf("%v: differs from the arithmetic", p)
			}
		}
	})
}

// TestFewRows goes through every number of rows that goes by rows of weights, with a rest of columns that goes by panels.
func TestFewRows(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		product := multiply(t, ks, 2)
		r := rand.New(rand.NewPCG(5, 5))
		for rows := 1; rows <= 18; rows++ {
			p := gemmtest.New(t, r, gemmtest.Problem{Rows: rows, Cols: 69, K: 96, Layout: gemm.BF16, TransW: true, Pad: rows % 3, Offset: rows % 4})
			p.W.Layout = gemm.BF16Products
			gemmtest.Scatter(r, p.W.Bits, 8, 0x4000)
			if !kerneltest.SameBits(p.Run(t, product), naive(p)) {
				t.Fatalf("%v: differs from the arithmetic", p)
			}
		}
	})
}

// TestKeepsNaN: numbers that are none, in either operand, are seen in the result; those beyond bfloat16 become infinite.
func TestKeepsNaN(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		product := multiply(t, ks, 2)
		for _, rows := range []int{1, 3, 20} {
			p := gemmtest.New(t, rand.New(rand.NewPCG(7, 7)), gemmtest.Problem{Rows: rows, Cols: 40, K: 64, Layout: gemm.BF16, TransW: true})
			p.W.Layout = gemm.BF16Products
			p.X.Data[5] = math.Float32frombits(0x7fffffff)
			p.W.Bits[7*64+2] = 0xffff
			for i, v := range p.Run(t, product) {
				if (v != v) != (i < 40 || i%40 == 7) {
					t.Fatalf("%d rows: row %d, column %d is %v", rows, i/40, i%40, v)
				}
			}
			p.X.Data[5] = math.MaxFloat32
			if v := p.Run(t, product)[0]; !math.IsInf(float64(v), 0) && v == v {
				t.Fatalf("%d rows: the greatest float32 gives %v", rows, v)
			}
		}
	})
}

func TestThreadsAndRowAlone(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		p := gemmtest.New(t, rand.New(rand.NewPCG(2, 2)), gemmtest.Problem{Rows: 37, Cols: 210, K: 300, Layout: gemm.BF16, TransW: true})
		p.W.Layout = gemm.BF16Products
		want := p.Run(t, multiply(t, ks, 1))
		for _, n := range []int{2, 3, 7} {
			product := multiply(t, ks, n)
			if !kerneltest.SameBits(p.Run(t, product), want) {
				t.Errorf("%d threads give other bits", n)
			}
			for r := range p.Rows {
				one := *p
				one.Rows, one.X.Rows, one.X.Data = 1, 1, p.X.Data[r*p.X.RowStride:]
				if !kerneltest.SameBits(one.Run(t, product), want[r*p.Cols:][:p.Cols]) {
					t.Errorf("row %d alone gives other bits", r)
				}
			}
		}
	})
}

// TestPackingTiles: a tile that packs gives the bits of the tile, and of packing alone.
func TestPackingTiles(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		by := &ks.Dense[0]
		if by.Packing == nil {
			t.Skip("no tile packs")
		}
		gemmtest.PackingTile(t, ks.Kernels, by)
	})
}

// TestProductsPackOnTheSide: products that are large enough pack the next panel beside the tiles of this one, for any number of steps, and
// give the bits of the arithmetic.
func TestProductsPackOnTheSide(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		if ks.Dense[0].Packing == nil {
			t.Skip("no tile packs")
		}
		for _, c := range gemmtest.PackingSizes(ks.Kernels) {
			calls := 0
			counted := &Kernels{gemmtest.CountPacking(*ks.Kernels, &calls), ks.round}
			r := rand.New(rand.NewPCG(uint64(c.K), 63))
			p := gemmtest.New(t, r, gemmtest.Problem{Rows: 22*ks.MR + 1, Cols: c.Cols, K: c.K, Layout: gemm.BF16, TransW: true})
			p.W.Layout = gemm.BF16Products
			gemmtest.Scatter(r, p.W.Bits, 4, 0x7f80)
			if !kerneltest.SameBits(p.Run(t, multiply(t, counted, 1)), naive(p)) {
				t.Errorf("%v: differs from the arithmetic", p)
			}
			if calls == 0 {
				t.Errorf("%v: nothing was packed on the side", p)
			}
		}
	})
}
