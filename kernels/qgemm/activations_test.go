package qgemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestQuantizedRows: every set of kernels quantizes a row as the Go loop does, to the byte: ordinary groups, ties, groups that are tiny,
// and those with an infinity or NaN, whose scale is NaN and whose numbers are 0.
func TestQuantizedRows(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	fills := []func(i int) float32{
		func(int) float32 { return float32(r.NormFloat64()) },
		func(i int) float32 { return float32(i%255-127) / 2 }, // ties, since the largest of a whole block is 127 of something
		func(i int) float32 { return []float32{0, 0x1p-101, -0x1.fffffep-101, 0x1p-149}[i%4] },
		func(i int) float32 { return []float32{1, inf, -2, 3}[i%4] },
		func(i int) float32 { return []float32{1, -inf, nan, 3}[i%4] },
		func(i int) float32 { return []float32{nan, 0, 0, 0}[i%4] },
		func(i int) float32 {
			return []float32{math.MaxFloat32, -1, 0x1p-100, float32(math.Copysign(0, -1))}[i%4]
		},
	}
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		for s, set := range sets {
			for f, fill := range fills {
				for _, n := range []int{1, 31, 32, 33, 64, 95, 127, 128, 129, 160, 256, 300} {
					for _, how := range []q8Options{{128, 1, false}, {128, superblock, false}, {8, superblock, true}} {
						t.Run(fmt.Sprintf("set %d/fill %d/%d by %+v", s, f, n, how), func(t *testing.T) {
							x := make([]float32, n)
							for i := range x {
								x[i] = fill(i)
							}
							got, want := make([]q8Block, (n+blockSteps-1)/blockSteps), make([]q8Block, (n+blockSteps-1)/blockSteps)
							for i := range got {
								got[i] = q8Block{Scale: 5, Offset: 6}
								got[i].Q[3] = 7
							}
							set.activations(got, x, how)
							quantizeActivations(want, x, how)
							for i, w := range want {
								g := got[i]
								if g.Q != w.Q || g.Offset != w.Offset || !kerneltest.SameNumbers([]float32{g.Scale}, []float32{w.Scale}) {
									t.Errorf("block %d is %v, want %v", i, g, w)
								}
							}
						})
					}
				}
			}
		}
	})
}
