package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
)

// TestSoftmaxColumns: each column of a panel becomes the softmax that it would become as a row, on every machine.
func TestSoftmaxColumns(t *testing.T) {
	eachSet(t, func(t *testing.T, k *Kernels, _ bool) {
		for _, nr := range []int{16, 32} {
			for _, rows := range []int{1, 2, 15, 16, 17, 31, 33, 100} {
				for _, m := range mixtures {
					r := rand.New(rand.NewPCG(6, uint64(rows)))
					x := make([]float32, rows*nr)
					want := make([][]float32, nr)
					for i := range x {
						x[i] = m.next(r)
						if i%nr == 3 && i >= nr {
							x[i] = float32(math.Inf(-1)) // a query that sees the first key alone
						}
						want[i%nr] = append(want[i%nr], x[i])
					}
					k.SoftmaxColumns(x, nr, 0.3)
					for c, column := range want {
						Scale(column, column, 0.3)
						Softmax(column)
						got := make([]float32, rows)
						for i := range got {
							got[i] = x[i*nr+c]
						}
						if !kerneltest.SameNumbers(got, column) {
							t.Fatalf("column %d of %d, %d rows of %s, differs", c, nr, rows, m.name)
						}
					}
				}
			}
		}
	})
}
