//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// SumRows adds the rows of x to dst, the first row first.
func (d *Device) SumRows(dst kernels.Buffer, x kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := rowsArgs{dst: d.at(dst), rows: int32(x.Rows), cols: int32(x.Cols)} // every row of dst is the first one
	a.src, a.srcRow = d.array(x)
	launch(d, "add_rows", flat(x.Cols), flatThreads, a)
}

// ids copies row numbers to the device; 0 for none. There may be two lists at once: the second lies behind the first. d.mu is held.
func (d *Device) ids(rows, limit int, lists ...[]int) (at [2]address) {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	if n == 0 {
		return at
	}
	host := d.hostIDs[:0]
	to := d.grow(scratchIDs, 4*n)
	for i, l := range lists {
		if l == nil {
			continue
		}
		if len(l) != rows {
			d.fail(fmt.Errorf("cuda: %d row numbers for %d rows", len(l), rows))
		}
		at[i] = to + 4*address(len(host))
		for _, id := range l {
			if limit > 0 && (id < 0 || id >= limit) {
				d.fail(fmt.Errorf("cuda: row %d of a table of %d", id, limit))
			}
			host = append(host, int32(id))
		}
	}
	if d.hostIDs = host; d.err == nil {
		d.up(to, unsafe.Pointer(&host[0]), 4*n)
	}
	return at
}

// CopyRows is dst[to[i]] = src[from[i]]; nil stands for 0, 1, 2 and so on.
func (d *Device) CopyRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	d.moveRows("copy_rows", dst, to, src, from)
}

// AddRows is CopyRows that adds, in the order of i.
func (d *Device) AddRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	d.moveRows("add_rows", dst, to, src, from)
}

func (d *Device) moveRows(name string, dst kernels.Array, to []int, src kernels.Array, from []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows := dst.Rows
	if to != nil {
		rows = len(to)
	} else if from != nil {
		rows = len(from)
	}
	if rows == 0 || dst.Cols == 0 || d.err != nil {
		return
	}
	if src.Cols != dst.Cols {
		d.fail(fmt.Errorf("cuda: rows of %d numbers cannot be copied to rows of %d", src.Cols, dst.Cols))
		return
	}
	for _, l := range []struct {
		ids []int
		of  kernels.Array
	}{{to, dst}, {from, src}} {
		if l.ids == nil && rows > l.of.Rows {
			d.fail(fmt.Errorf("cuda: %d rows of an array of %d", rows, l.of.Rows))
		}
		for _, id := range l.ids {
			if id < 0 || id >= l.of.Rows {
				d.fail(fmt.Errorf("cuda: row %d of an array of %d", id, l.of.Rows))
				return
			}
		}
	}
	at := d.ids(rows, 0, to, from)
	a := rowsArgs{to: at[0], from: at[1], rows: int32(rows), cols: int32(dst.Cols)}
	a.dst, a.dstRow = d.array(dst)
	a.src, a.srcRow = d.array(src)
	n := rows * dst.Cols
	if name == "add_rows" {
		n = dst.Cols
	}
	launch(d, name, flat(n), flatThreads, a)
}

// MeanRows is the mean of the rows of x, summed in order.
func (d *Device) MeanRows(dst, x kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := rowsArgs{rows: int32(x.Rows), cols: int32(x.Cols)}
	a.dst, a.dstRow = d.array(dst)
	a.src, a.srcRow = d.array(x)
	launch(d, "mean_rows", flat(x.Cols), flatThreads, a)
}

// MeanRowsBackward adds dy, over the number of rows, to each row of dx.
func (d *Device) MeanRowsBackward(dx, dy kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := rowsArgs{rows: int32(dx.Rows), cols: int32(dx.Cols)}
	a.dst, a.dstRow = d.array(dx)
	a.src, a.srcRow = d.array(dy)
	launch(d, "mean_rows_backward", flat(dx.Rows*dx.Cols), flatThreads, a)
}

// gatherArgs is struct Gather of the kernels.
type gatherArgs struct {
	dst, table   address
	panels       panelsArgs
	ids          address
	dstRow, tRow int64
	rows, cols   int32
}

// Gather is dst[i] = table[ids[i]], in float32.
func (d *Device) Gather(dst kernels.Array, table kernels.Placed, ids []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(ids) == 0 || dst.Cols == 0 || d.err != nil {
		return
	}
	w := d.weightOf(table)
	if len(ids) != dst.Rows || dst.Cols != w.cols {
		d.fail(fmt.Errorf("cuda: %d rows of %d numbers cannot be an array of (%d, %d)", len(ids), w.cols, dst.Rows, dst.Cols))
		return
	}
	a := gatherArgs{table: w.at, panels: w.panels, ids: d.ids(len(ids), w.rows, ids)[0], tRow: w.row, rows: int32(len(ids)), cols: int32(w.cols)}
	a.dst, a.dstRow = d.array(dst)
	launch(d, w.gather, flat(len(ids)*w.cols), flatThreads, a)
}

// findArgs is struct Find of the kernels.
type findArgs struct {
	x            address
	xRow         int64
	found        address
	cols, unused int32
}

// FindNonFinite writes to found, for each row of x, what [kernels.ReadNonFinite] reads.
func (d *Device) FindNonFinite(found kernels.Buffer, x kernels.Array) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found.Len() < kernels.NonFiniteFloats*x.Rows {
		d.fail(fmt.Errorf("cuda: what is not finite in %d rows cannot be written to %d floats", x.Rows, found.Len()))
		return
	}
	a := findArgs{found: d.at(found), cols: int32(x.Cols)}
	a.x, a.xRow = d.array(x)
	launch(d, "find_non_finite", [3]int{x.Rows, 1, 1}, flatThreads, a)
}

// FirstNonFinite is the row and column of the first infinity or NaN of x; row -1 for none. It waits; FindNonFinite does not. A failure of
// the device counts as none here: it is the error of the next Download.
func (d *Device) FirstNonFinite(x kernels.Array) (row, col int) {
	if x.Rows == 0 || x.Cols == 0 {
		return -1, -1
	}
	found, err := d.Alloc(kernels.NonFiniteFloats * x.Rows)
	if err != nil {
		return -1, -1
	}
	defer d.Free(found)
	d.FindNonFinite(found, x)
	host := make([]float32, found.Len())
	if d.Download(host, found.Row()) != nil {
		return -1, -1
	}
	for row := range x.Rows {
		if col, _ := kernels.ReadNonFinite(host, row); col >= 0 {
			return row, col
		}
	}
	return -1, -1
}

// argMaxArgs is struct ArgMax of the kernels.
type argMaxArgs struct {
	x          address
	xRow       int64
	found      address
	rows, cols int32
}

// ArgMax is the column of the largest number of each row, the first among equals; NaN is never the largest.
func (d *Device) ArgMax(x kernels.Array) ([]int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.Rows == 0 || x.Cols == 0 {
		return nil, d.err
	}
	a := argMaxArgs{found: d.grow(scratchFound, 4*x.Rows), rows: int32(x.Rows), cols: int32(x.Cols)}
	a.x, a.xRow = d.array(x)
	launch(d, "argmax", [3]int{x.Rows, 1, 1}, flatThreads, a)
	found := make([]int32, x.Rows)
	if d.err == nil {
		d.down(unsafe.Pointer(&found[0]), a.found, 4*x.Rows)
	}
	out := make([]int, x.Rows)
	for i, f := range found {
		out[i] = int(f)
	}
	return out, d.err
}
