package gemm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// TestPanelProducts: a product of tiles with a panel has the bits of the chains that it stands for on every set of instructions, and goes on from
// what dst holds; some rows and steps of the tiles may be taken alone.
func TestPanelProducts(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *Kernels, _ bool) {
		m := multiplier(t, ks, 1)
		for _, c := range []struct{ rows, k, columns, someRows, someSteps int }{
			{1, 1, 1, 1, 1}, {12, 80, 32, 12, 80}, {25, 33, 16, 25, 33}, {80, 1100, 9, 77, 1030}, {30, 600, 5, 13, 512}, {13, 513, 7, 13, 3}, {8, 4, 3, 4, 0},
		} {
			for _, transposed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v transposed %v", c, transposed), func(t *testing.T) {
					r := rand.New(rand.NewPCG(5, uint64(c.k)))
					x, w := gemmtest.View(r, c.rows, c.k, transposed), gemmtest.View(r, min(c.columns, m.PanelCols()), c.k, false)
					nr := m.PanelCols()
					tiles := m.PackTiles(make([]float32, m.TileRows(c.rows)*c.k), x)
					panel := make([]float32, c.k*nr)
					m.PackPanel(panel, w)
					dst := make([]float32, m.TileRows(c.someRows)*nr+1)
					dst[len(dst)-1] = 7
					want := make([]float32, c.someRows*nr)
					for pass := range 2 {
						m.MulPanel(dst, tiles, c.someRows, c.someSteps, panel, pass > 0)
						for i := range want {
							if row, column := i/nr, i%nr; column < w.Rows {
								for s := range c.someSteps {
									want[i] = num.FMA(x.Data[row*x.RowStride+s*x.ColStride], w.Data[column*w.RowStride+s], want[i])
								}
							}
						}
						if !kerneltest.SameBits(dst[:len(want)], want) {
							t.Fatalf("pass %d differs", pass)
						}
					}
					if dst[len(dst)-1] != 7 {
						t.Error("what is beyond dst changed")
					}
					back := View{Data: make([]float32, w.Rows*(c.k+2)), Rows: w.Rows, Cols: c.k, RowStride: c.k + 2, ColStride: 1}
					m.UnpackPanel(back, panel)
					for column := range w.Rows {
						if !kerneltest.SameBits(back.Data[column*back.RowStride:][:c.k], w.Data[column*w.RowStride:][:c.k]) {
							t.Fatalf("column %d does not come back", column)
						}
					}
				})
			}
		}
	})
}
