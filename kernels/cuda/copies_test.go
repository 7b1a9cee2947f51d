//go:build cuda && linux && cgo

package cuda

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestCopyArrays: many arrays, of other shapes and in wider ones, are copied in few launches, and nothing beside them is written.
func TestCopyArrays(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for _, n := range []int{1, 2, 4, 5, 100, 101, 213} {
			r := newDice(uint64(n))
			var to, from []kernels.Array
			var want [][]float32
			for i := range n {
				rows, cols := r.IntN(3), 1+r.IntN(300)
				x := r.floats((rows+1)*cols, nonFinite)
				to, from = append(to, up(t, d, rows+1, cols, i%3, r.floats(len(x), ordinary))), append(from, up(t, d, rows+1, cols, i%2, x))
				beyond := down(t, d, to[i])[rows*cols:]
				want = append(want, append(x[:rows*cols:rows*cols], beyond...))
			}
			some := func(all []kernels.Array) (out []kernels.Array) {
				for _, a := range all {
					out = append(out, a.Window(0, 0, a.Rows-1, a.Cols))
				}
				return out
			}
			d.CopyArrays(some(to), some(from))
			for i := range to {
				same(t, "copied", down(t, d, to[i]), want[i])
			}
		}
		d.CopyArrays(make([]kernels.Array, 0), nil)
	})
	d := open(t)
	d.CopyArrays([]kernels.Array{up(t, d, 2, 3, 0, nil)}, []kernels.Array{up(t, d, 3, 2, 0, nil)})
	if d.Err() == nil {
		t.Error("arrays of two shapes are copied")
	}
}
