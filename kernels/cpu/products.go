package cpu

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// Affine is dst = x Wᵀ + bias.
func (d *Device) Affine(dst, x kernels.Array, w kernels.Placed, bias kernels.Buffer) {
	d.eng.Affine(host.Of(dst).View(), host.Of(x).View(), w.Matrix, bias.Host())
}

// MatMul is the product that form names.
func (d *Device) MatMul(dst, x kernels.Array, w kernels.Placed, form kernels.Form) {
	left := host.Of(x).View()
	if form&kernels.TransX != 0 {
		left = host.Of(x).Transposed()
	}
	d.eng.MatMul(host.Of(dst).View(), left, w.Matrix, form&^kernels.TransX)
}

// SumRows adds the rows of x to dst, on workers that have some columns each.
func (d *Device) SumRows(dst kernels.Buffer, x kernels.Array) {
	sum, m := dst.Host(), host.Of(x)
	d.eng.For(len(sum), 256, func(lo, hi int) {
		for i := range m.Rows {
			d.eng.Add(sum[lo:hi], sum[lo:hi], m.Row(i)[lo:hi])
		}
	})
}

// Gather widens the row of table for each id.
func (d *Device) Gather(dst kernels.Array, table kernels.Placed, ids []int) {
	type work struct {
		to    host.Matrix
		table kernels.Matrix
		ids   []int
	}
	rows(d, len(ids), dst.Cols, work{host.Of(dst), table.Matrix, ids}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.table.Row(w.to.Row(i), w.ids[i])
		}
	})
}
