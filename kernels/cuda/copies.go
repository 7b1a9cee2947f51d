//go:build cuda && linux && cgo

package cuda

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// arrayCopy is struct ArrayCopy of the kernels.
type arrayCopy struct {
	to, from                   address
	toRow, fromRow, rows, cols int32
}

// copiesOf4 and copiesOf100 are struct ArrayCopies of the kernels: those of one sequence's new keys and values, and of a batch's.
type (
	copiesOf4   [4]arrayCopy
	copiesOf100 [100]arrayCopy
)

var _ kernels.Copier = (*Device)(nil)

// CopyArrays is to[i] = from[i] for every i, as many in one launch as its argument holds.
func (d *Device) CopyArrays(to, from []kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(to) > 0 && d.err == nil {
		if len(to) <= len(copiesOf4{}) {
			var a copiesOf4
			n, most := d.copies(a[:], to, from)
			launch(d, "copy_arrays_4", [3]int{min(blocks(most, flatThreads), 1024), n, 1}, flatThreads, a)
			return
		}
		var a copiesOf100
		n, most := d.copies(a[:], to, from)
		launch(d, "copy_arrays_100", [3]int{min(blocks(most, flatThreads), 1024), n, 1}, flatThreads, a)
		to, from = to[n:], from[n:]
	}
}

// copies fills in as many copies as there is room for: how many, and how many numbers the largest has.
func (d *Device) copies(a []arrayCopy, to, from []kernels.Array) (n, most int) {
	for n = 0; n < min(len(a), len(to)); n++ {
		x, y := from[n], to[n]
		if x.Rows != y.Rows || x.Cols != y.Cols {
			d.fail(fmt.Errorf("cuda: an array of (%d, %d) cannot be copied to one of (%d, %d)", x.Rows, x.Cols, y.Rows, y.Cols))
		}
		a[n] = arrayCopy{to: d.at(y.Buffer), from: d.at(x.Buffer), toRow: int32(y.Stride), fromRow: int32(x.Stride), rows: int32(x.Rows), cols: int32(x.Cols)}
		most = max(most, x.Rows*x.Cols)
	}
	return n, most
}
