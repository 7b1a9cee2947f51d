package gemm_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
)

// eachSet runs a test on the kernels of every set of instructions by name; emulated tells that they are slow.
func eachSet(t *testing.T, f func(t *testing.T, ks *Kernels, emulated bool)) {
	own := func(name string) *Kernels {
		for _, ks := range Sets() {
			if ks.Name == name && ks.Available {
				return ks
			}
		}
		return nil
	}
	kerneltest.Each(t, own, emulated, func(t *testing.T, _ string, ks *Kernels, emulated bool) { f(t, ks, emulated) })
}

// best are the kernels that this machine prefers.
func best() *Kernels {
	for _, ks := range Sets() {
		if ks.Available {
			return ks
		}
	}
	return Generic
}

// few cuts a list of cases short where they run on an emulated processor.
func few[T any](emulated bool, cases []T) []T {
	if emulated {
		return cases[:min(len(cases), 40)]
	}
	return cases
}

// multiplier multiplies by ks on so many threads. Emulated kernels have one: the emulator writes a tile back with what lies between its rows,
// which other threads may have written in the meantime.
func multiplier(t testing.TB, ks *Kernels, threads int) *Multiplier {
	if !ks.Available {
		threads = 1
	}
	workers := pool.New(threads)
	t.Cleanup(workers.Close)
	return New(ks, workers)
}

// multiplications are the two ways in which m multiplies.
func multiplications(m *Multiplier) map[string]func(dst, x View, w Matrix, form Form) {
	return map[string]func(dst, x View, w Matrix, form Form){
		"parallel": m.MatMul,
		"serial":   func(dst, x View, w Matrix, form Form) { m.MatMulSerial(NewScratch(), dst, x, w, form) },
	}
}

// layouts are the ones of law 1 that kernels are written for.
var layouts = []ElementLayout{F32, BF16, F16}

func problems(t *testing.T) []*gemmtest.Problem {
	r := rand.New(rand.NewPCG(11, 12))
	var out []*gemmtest.Problem
	sizes := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 31, 32, 33, 40}
	for i := range 500 {
		p := gemmtest.Problem{Rows: sizes[r.IntN(len(sizes))], Cols: sizes[r.IntN(len(sizes))], K: sizes[r.IntN(len(sizes))], Layout: layouts[i%3],
			TransW: r.IntN(2) == 0, Accumulate: r.IntN(3) == 0, TransX: r.IntN(4) == 0, Pad: r.IntN(4), Offset: r.IntN(4)}
		if i%25 == 0 {
			p.K = MaxKC + sizes[r.IntN(len(sizes))] - 2
		}
		out = append(out, gemmtest.New(t, r, p))
	}
	return out
}

func TestMatMulPaths(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		for _, p := range few(emulated, problems(t)) {
			want := p.Naive()
			for name, multiply := range multiplications(m) {
				if got := p.Run(t, multiply); !kerneltest.SameBits(got, want) {
					t.Fatalf("%v, %s: differs from law 1", p, name)
				}
			}
		}
	})
}

// TestMatMulBlocks: products whose left operand is taken in blocks, of rows or of steps, are those of the whole.
func TestMatMulBlocks(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		m.SetLeftBlocks(1<<16, 512)
		r := rand.New(rand.NewPCG(14, 15))
		for _, c := range []gemmtest.Problem{
			{Rows: 542, Cols: 5, K: 40, Layout: BF16, TransW: true},
			{Rows: 135, Cols: 17, K: 602, Layout: BF16, TransW: true, Accumulate: true},
			{Rows: 542, Cols: 3, K: 218, Layout: F32, Pad: 1},
			{Rows: 256, Cols: 3, K: 346, Layout: F16, TransW: true, TransX: true},
		} {
			p := gemmtest.New(t, r, c)
			if high, steps := m.LeftBlocks(p.Rows, p.K); high >= p.Rows && steps >= p.K {
				t.Fatalf("%v is one block: the test tests nothing", p)
			}
			if !kerneltest.SameBits(p.Run(t, m.MatMul), p.Naive()) {
				t.Errorf("%v: differs from law 1", p)
			}
		}
	})
}

// TestLeftBlocks: blocks are even, whole tiles and multiples of 16, and cover all, for a small second-level cache and a large one.
func TestLeftBlocks(t *testing.T) {
	for _, c := range []struct{ cache, rows, k, high, steps int }{
		{0, 924, 1280, 924, 1280}, {1 << 20, 924, 5120, 924, 1280}, {1 << 20, 256, 8960, 264, 4480}, {0, 16384, 1280, 4104, 320}, {0, 1, 1, 12, 16}, {0, 5, 0, 12, 16}, {0, 1 << 20, 100, 4104, 112},
		{2 << 20, 256, 1536, 264, 1536}, {2 << 20, 256, 8960, 264, 1504}, {2 << 20, 924, 1280, 468, 640}, {2 << 20, 16384, 1280, 480, 640},
	} {
		if high, steps := LeftBlocks(c.cache, 12, c.rows, c.k); high != c.high || steps != c.steps {
			t.Errorf("blocks of (%d, %d) are (%d, %d), not (%d, %d)", c.rows, c.k, high, steps, c.high, c.steps)
		}
	}
}

// TestMatMulDenormals: products and sums in float32's denormal range are kept on every set of instructions.
func TestMatMulDenormals(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		p := gemmtest.New(t, rand.New(rand.NewPCG(1, 1)), gemmtest.Problem{Rows: 7, Cols: 33, K: 20, TransW: true})
		for i := range p.X.Data {
			p.X.Data[i] *= 0x1p-80
		}
		for i := range p.W.F32 {
			p.W.F32[i] *= 0x1p-64
		}
		got := p.Run(t, m.MatMul)
		if !kerneltest.SameBits(got, p.Naive()) {
			t.Error("differs from law 1")
		}
		if i := slices.IndexFunc(got, func(v float32) bool { return v != 0 && math.Abs(float64(v)) < 0x1p-126 }); i < 0 {
			t.Error("no result is denormal: the test tests nothing")
		}
	})
}

// TestMatMulFewRows goes through every number of rows that go by rows of weights and some more, for widths with a rest that goes by panels, and from what dst holds.
func TestMatMulFewRows(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		r := rand.New(rand.NewPCG(5, 5))
		for _, layout := range layouts {
			for rows := 1; rows <= MaxGEMVRows+2; rows++ {
				for _, transW := range []bool{true, false} {
					p := gemmtest.New(t, r, gemmtest.Problem{Rows: rows, Cols: 2*GEMVColumns + 5, K: 64, Layout: layout, TransW: transW, Accumulate: rows%2 == 0, Pad: rows % 3, Offset: rows % 4})
					want := p.Naive()
					for name, multiply := range multiplications(m) {
						if got := p.Run(t, multiply); !kerneltest.SameBits(got, want) {
							t.Fatalf("%v, %s: differs from law 1", p, name)
						}
					}
				}
			}
		}
	})
}

func TestMatMulThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	p := gemmtest.New(t, r, gemmtest.Problem{Rows: 37, Cols: 210, K: 300, Layout: BF16, TransW: true})
	want := p.Run(t, multiplier(t, best(), 1).MatMul)
	for _, n := range []int{2, 3, 7} {
		if !kerneltest.SameBits(p.Run(t, multiplier(t, best(), n).MatMul), want) {
			t.Errorf("%d threads give other bits", n)
		}
	}
}

func TestMatMulRowAlone(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		p := gemmtest.New(t, rand.New(rand.NewPCG(3, 3)), gemmtest.Problem{Rows: 14, Cols: 50, K: 70, Layout: BF16, TransW: true})
		all := p.Run(t, m.MatMul)
		for r := range p.Rows {
			one := *p
			one.Rows, one.X.Rows, one.X.Data = 1, 1, p.X.Data[r*p.X.RowStride:]
			if !kerneltest.SameBits(one.Run(t, m.MatMul), all[r*p.Cols:(r+1)*p.Cols]) {
				t.Errorf("row %d alone gives other bits", r)
			}
		}
	})
}

func TestMatMulPieces(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		p := gemmtest.New(t, rand.New(rand.NewPCG(4, 4)), gemmtest.Problem{Rows: 9, Cols: 40, K: 100, Layout: F32, TransW: false})
		want := p.Run(t, m.MatMul)
		for _, cut := range []int{1, 16, 50, 99} {
			first, second := *p, *p
			first.K, first.X.Cols, first.W.Rows = cut, cut, cut
			second.K, second.X.Cols, second.W.Rows = p.K-cut, p.K-cut, p.K-cut
			second.X.Data, second.W.F32 = p.X.Data[cut:], p.W.F32[cut*p.W.Stride:]
			second.Start, second.Accumulate = first.Run(t, m.MatMul), true
			if !kerneltest.SameBits(second.Run(t, m.MatMul), want) {
				t.Errorf("cut at %d gives other bits", cut)
			}
		}
	})
}

func BenchmarkMatMul(b *testing.B) {
	for _, rows := range []int{1, 4, 16, 256} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			const k, n = 1536, 8960
			m := multiplier(b, best(), runtime.GOMAXPROCS(0))
			x := View{Data: make([]float32, rows*k), Rows: rows, Cols: k, RowStride: k, ColStride: 1}
			dst := View{Data: make([]float32, rows*n), Rows: rows, Cols: n, RowStride: n, ColStride: 1}
			w := Matrix{Layout: BF16, Bits: make([]uint16, n*k), Rows: n, Cols: k, Stride: k}
			for i := range w.Bits {
				w.Bits[i] = uint16(uint64(i) * 2654435761 >> 17 & 0x3fff)
			}
			for b.Loop() {
				m.MatMul(dst, x, w, TransW)
			}
			b.ReportMetric(2*float64(rows)*k*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(2*k*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
