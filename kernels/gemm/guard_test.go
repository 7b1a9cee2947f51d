package gemm_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestGuardedMatrixRow is Matrix.Row of 16-bit weights that lie against a page without access.
func TestGuardedMatrixRow(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for _, layout := range []Layout{BF16, F16} {
		for _, n := range pages.Lengths {
			bits, want := make([]uint16, n), make([]float32, n)
			for i := range bits {
				bits[i] = uint16(r.IntN(0x7c00))
			}
			Matrix{Layout: layout, Bits: bits, Rows: 1, Cols: n, Stride: n}.Row(want, 0)
			for _, side := range pages.Sides {
				on, dst := pages.Like(t, side, bits), pages.Like(t, side, make([]float32, n))
				Matrix{Layout: layout, Bits: on, Rows: 1, Cols: n, Stride: n}.Row(dst, 0)
				if !kerneltest.SameBits(dst, want) || !slices.Equal(on, bits) {
					t.Errorf("%T, %s of %d: the row differs, or the weights were changed", layout, side, n)
				}
			}
		}
	}
}

// guardedProblems lets each of rows, columns and steps go through the lengths in turn, for every kind of weights. The other
// two sizes are small and odd, so that every edge is met and the test stays short.
func guardedProblems(t *testing.T) []*gemmtest.Problem {
	r := rand.New(rand.NewPCG(23, 24))
	var out []*gemmtest.Problem
	for i, n := range pages.Lengths {
		for _, size := range [][3]int{{n, 5, 9}, {3, n, 17}, {7, 9, n}, {1, n, 8}, {13, 33, n}} {
			for _, layout := range layouts {
				for _, transW := range []bool{true, false} {
					out = append(out, gemmtest.New(t, r, gemmtest.Problem{Rows: size[0], Cols: size[1], K: size[2], Layout: layout, TransW: transW, Accumulate: i%2 == 1}))
				}
			}
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// TestGuardedMatMul puts all three operands of a product against pages without access, on every set of instructions.
func TestGuardedMatMul(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		for _, p := range few(emulated, guardedProblems(t)) {
			for _, side := range pages.Sides {
				onPages(t, m, p, side)
			}
		}
	})
}

// onPages computes p with its operands flush against pages without access and compares with law 1.
func onPages(t *testing.T, m *Multiplier, p *gemmtest.Problem, side pages.Side) {
	t.Helper()
	t.Run(string(side)+" "+p.String(), func(t *testing.T) { // the pages are given back with the subtest
		want := p.Naive()
		x, w := p.X, p.W
		x.Data = pages.Like(t, side, p.X.Data)
		w.F32, w.Bits = pages.Like(t, side, p.W.F32), pages.Like(t, side, p.W.Bits)
		for name, multiply := range multiplications(m) {
			data := pages.Like(t, side, p.Start)
			dst := View{Data: data, Rows: p.Rows, Cols: p.Cols, RowStride: p.Cols, ColStride: 1}
			multiply(dst, x, w, p.Form())
			if !kerneltest.SameBits(data, want) {
				t.Errorf("%s: differs from law 1", name)
			}
		}
		if !kerneltest.SameBits(x.Data, p.X.Data) || !kerneltest.SameBits(w.F32, p.W.F32) || !slices.Equal(w.Bits, p.W.Bits) {
			t.Error("an operand was changed")
		}
	})
}

// TestGuardedMatMulStrides is a product between strided views whose last rows end with the page: what lies between the
// rows is NaN and must stay, and no row is read past its end.
func TestGuardedMatMulStrides(t *testing.T) {
	nan := float32(math.NaN())
	eachSet(t, func(t *testing.T, ks *Kernels, emulated bool) {
		m := multiplier(t, ks, 2)
		r := rand.New(rand.NewPCG(25, 26))
		for _, n := range few(emulated, pages.Lengths) {
			for _, transW := range []bool{true, false} {
				p := gemmtest.New(t, r, gemmtest.Problem{Rows: 7, Cols: n, K: 19, Layout: F32, TransW: transW})
				want := p.Naive()
				const pad = 3
				wide := func(x []float32, rows, cols int) []float32 {
					out := pages.Tail[float32](t, (rows-1)*(cols+pad)+cols)
					for i := range out {
						out[i] = nan
					}
					for i := range rows {
						copy(out[i*(cols+pad):], x[i*cols:(i+1)*cols])
					}
					return out
				}
				x, w, dst := p.X, p.W, View{Rows: p.Rows, Cols: n, RowStride: n + pad, ColStride: 1}
				x.Data, x.RowStride = wide(p.X.Data, p.Rows, p.K), p.K+pad
				w.F32, w.Stride = wide(p.W.F32, w.Rows, w.Cols), w.Cols+pad
				dst.Data = wide(make([]float32, p.Rows*n), p.Rows, n)
				m.MatMul(dst, x, w, p.Form())
				for i := range p.Rows {
					row := dst.Data[i*dst.RowStride:]
					if !kerneltest.SameBits(row[:n], want[i*n:(i+1)*n]) {
						t.Errorf("%v: row %d differs from law 1", p, i)
					}
					for _, v := range row[n:min(n+pad, len(row))] {
						if v == v {
							t.Errorf("%v: written after row %d", p, i)
						}
					}
				}
			}
		}
	})
}
