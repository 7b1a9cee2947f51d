package gemm_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestAddBias: it adds to the columns and rows that it is given and touches nothing else, on every set of instructions, whether columns are whole
// sixteens or not; the last row and the bias end with their pages.
func TestAddBias(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, _ bool) {
		r := rand.New(rand.NewPCG(10, 11))
		for _, c := range []struct{ rows, cols, more int }{{1, 16, 0}, {3, 16, 1}, {2, 32, 16}, {7, 48, 5}, {12, 32, 3}, {5, 17, 2}, {4, 1, 0}} {
			stride := c.cols + c.more
			start, bias := make([]float32, (c.rows-1)*stride+c.cols), make([]float32, c.cols)
			for i := range start {
				start[i] = float32(r.NormFloat64())
			}
			for i := range bias {
				bias[i] = float32(r.NormFloat64())
			}
			want := slices.Clone(start)
			for row := range c.rows {
				for i, b := range bias {
					want[row*stride+i] += b
				}
			}
			for _, side := range pages.Sides {
				got, b := pages.Like(t, side, start), pages.Like(t, side, bias)
				ks.AddBias(View{Data: got, Rows: c.rows, Cols: c.cols, RowStride: stride, ColStride: 1}, b, 0, c.rows, 0, c.cols)
				if !kerneltest.SameBits(got, want) || !kerneltest.SameBits(b, bias) {
					t.Errorf("%s, %+v: differs from the sums", side, c)
				}
			}
		}
	})
}
