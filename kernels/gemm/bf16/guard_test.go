package bf16

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestGuarded puts the operands of products of bfloat16 against pages without access.
func TestGuarded(t *testing.T) {
	eachWay(t, func(t *testing.T, ks *Kernels) {
		product := multiply(t, ks, 2)
		r := rand.New(rand.NewPCG(23, 25))
		for _, n := range pages.Lengths {
			for _, size := range [][3]int{{3, n, 17}, {7, 9, n}, {1, 33, 2 * n}, {2, 64, 32 * n}, {13, 33, n}} {
				p := gemmtest.New(t, r, gemmtest.Problem{Rows: size[0], Cols: size[1], K: size[2], Layout: gemm.BF16, TransW: true})
				p.W.Layout = gemm.BF16Products
				want := naive(p)
				for _, side := range pages.Sides {
					x, w, dst := p.X, p.W, pages.Like(t, side, make([]float32, len(want)))
					x.Data, w.Bits = pages.Like(t, side, p.X.Data), pages.Like(t, side, p.W.Bits)
					product(gemm.View{Data: dst, Rows: p.Rows, Cols: p.Cols, RowStride: p.Cols, ColStride: 1}, x, w, gemm.TransW)
					if !kerneltest.SameBits(dst, want) {
						t.Fatalf("%v, %s: differs from the arithmetic", p, side)
					}
					if !kerneltest.SameBits(x.Data, p.X.Data) || !slices.Equal(w.Bits, p.W.Bits) {
						t.Fatalf("%v: an operand was changed", p)
					}
				}
			}
		}
	})
}
