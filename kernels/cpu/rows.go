package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// CopyRows is dst[to[i]] = src[from[i]]; nil stands for 0, 1, 2 and so on.
func (d *Device) CopyRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	out, in := host.Of(dst), host.Of(src)
	if to == nil && from == nil {
		rows(d, out.Rows, out.Cols, copying{out, in}, copying.rows)
		return
	}
	for i := range moved(out, to, from) {
		copy(out.Row(at(to, i)), in.Row(at(from, i)))
	}
}

// AddRows is CopyRows that adds.
func (d *Device) AddRows(dst kernels.Array, to []int, src kernels.Array, from []int) {
	out, in := host.Of(dst), host.Of(src)
	for i := range moved(out, to, from) {
		row := out.Row(at(to, i))
		d.eng.Add(row, row, in.Row(at(from, i)))
	}
}

// moved is how many rows go from one array to the other.
func moved(out host.Matrix, to, from []int) int {
	switch {
	case to != nil:
		return len(to)
	case from != nil:
		return len(from)
	}
	return out.Rows
}

func at(places []int, i int) int {
	if places == nil {
		return i
	}
	return places[i]
}

// MeanRows is the mean of the rows of x, summed in order.
func (d *Device) MeanRows(dst, x kernels.Array) {
	sum, in := host.Of(dst).Row(0), host.Of(x)
	clear(sum)
	for i := range in.Rows {
		d.eng.Add(sum, sum, in.Row(i))
	}
	for c := range sum {
		sum[c] /= float32(in.Rows)
	}
}

// MeanRowsBackward adds dy, over the number of rows, to each row of dx.
func (d *Device) MeanRowsBackward(dx, dy kernels.Array) {
	out, up := host.Of(dx), host.Of(dy).Row(0)
	for i := range out.Rows {
		row := out.Row(i)
		for c, g := range up {
			row[c] += g / float32(out.Rows)
		}
	}
}

// FirstNonFinite is the first infinity or NaN of x.
func (d *Device) FirstNonFinite(x kernels.Array) (row, col int) {
	m := host.Of(x)
	for i := range m.Rows {
		if c := d.eng.FirstNonFinite(m.Row(i)); c >= 0 {
			return i, c
		}
	}
	return -1, -1
}

// FindNonFinite writes the first infinity or NaN of each row of x to found.
func (d *Device) FindNonFinite(found kernels.Buffer, x kernels.Array) {
	m, to := host.Of(x), found.Host()
	for i := range m.Rows {
		value, c := float32(0), d.eng.FirstNonFinite(m.Row(i))
		if c >= 0 {
			value = m.Row(i)[c]
		}
		kernels.WriteNonFinite(to, i, c, value)
	}
}
