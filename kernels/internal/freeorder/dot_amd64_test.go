//go:build !purego

package freeorder

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
)

// problem is a product of one row of x with the rows of w.
func problem(rows, k int) (x, dst []float32, w kernels.Matrix) {
	r := rand.New(rand.NewPCG(1, 2))
	x, dst = make([]float32, k), make([]float32, rows)
	for i := range x {
		x[i] = r.Float32() - 0.5
	}
	w = kernels.Matrix{Layout: kernels.BF16, Bits: make([]uint16, rows*k), Rows: rows, Cols: k, Stride: k}
	for i := range w.Bits {
		w.Bits[i] = num.F32ToBF16(float32(i*7919%1021)/1021 - 0.5)
	}
	return x, dst, w
}

func engine(t testing.TB) *kernels.Engine {
	t.Helper()
	if !available() {
		t.Skip("this processor has no AVX-512")
	}
	e, err := kernels.New(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func inOrder(e *kernels.Engine, x, dst []float32, w kernels.Matrix) {
	e.MatMul(kernels.View{Data: dst, Rows: 1, Cols: len(dst), RowStride: len(dst), ColStride: 1}, kernels.View{Data: x, Rows: 1, Cols: len(x), RowStride: len(x), ColStride: 1}, w, kernels.TransW)
}

func inAnyOrder(e *kernels.Engine, x, dst []float32, w kernels.Matrix) {
	e.For(w.Rows, (w.Rows+e.Threads()-1)/e.Threads(), func(lo, hi int) {
		dots(hi-lo, w.Cols, &x[0], &w.Bits[lo*w.Cols], &dst[lo])
	})
}

// TestSameProduct: what is measured is the same product, up to rounding.
func TestSameProduct(t *testing.T) {
	e := engine(t)
	x, want, w := problem(67, 192)
	got := make([]float32, len(want))
	inOrder(e, x, want, w)
	inAnyOrder(e, x, got, w)
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-4 {
			t.Errorf("row %d: %v, and %v in order", i, got[i], want[i])
		}
	}
}

// BenchmarkOneRow is a product of one row in order and in any, with weights that lie in the cache and in memory.
func BenchmarkOneRow(b *testing.B) {
	e := engine(b)
	for _, rows := range []int{128, 128 << 10} {
		x, dst, w := problem(rows, 1536)
		for name, product := range map[string]func(*kernels.Engine, []float32, []float32, kernels.Matrix){"in order": inOrder, "any order": inAnyOrder} {
			b.Run(fmt.Sprintf("%d rows/%s", rows, name), func(b *testing.B) {
				b.SetBytes(int64(2 * len(w.Bits)))
				for b.Loop() {
					product(e, x, dst, w)
				}
			})
		}
	}
}
