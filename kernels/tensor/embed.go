package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// Gather looks up the row of table for each id: (len(ids), table.Cols). grad is the gradient of the table to add to, dense;
// nil where it does not learn.
func (r *Run) Gather(table kernels.Matrix, grad []float32, ids []int) Tensor {
	out := r.New(len(ids), table.Cols)
	for i, id := range ids {
		if id < 0 || id >= table.Rows {
			r.Fail(fmt.Errorf("token id %d at position %d is not in the vocabulary of %d", id, r.FirstRow+i, table.Rows))
			return out
		}
	}
	type work struct {
		table kernels.Matrix
		ids   []int
		out   Tensor
	}
	rowsWith(r, len(ids), table.Cols, work{table, ids, out}, func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.table.Row(w.out.Row(i), w.ids[i])
		}
	})
	if r.taping(grad != nil) {
		out := r.WithGrad(out)
		r.record(func() {
			for i, id := range ids {
				if grad != nil {
					row := grad[id*out.Cols:][:out.Cols]
					r.eng.Add(row, row, out.GradRow(i))
				}
			}
		})
		return out
	}
	return out
}

// Place overwrites row at[i] of x by row i of rows: vision features take the places of their placeholder tokens.
func (r *Run) Place(x Tensor, at []int, rows Tensor) Tensor {
	if r.idle() {
		return x
	}
	if len(at) != rows.Rows || x.Cols != rows.Cols {
		r.Fail(fmt.Errorf("%d placeholder tokens of width %d cannot take %d vision rows of width %d", len(at), x.Cols, rows.Rows, rows.Cols))
		return x
	}
	for i, to := range at {
		copy(x.Row(to), rows.Row(i))
	}
	if r.taping(false, x, rows) {
		x = r.WithGrad(x)
		r.record(func() {
			for i, from := range at {
				if rows.Grad != nil {
					r.eng.Add(rows.GradRow(i), rows.GradRow(i), x.GradRow(from))
				}
				clear(x.GradRow(from)) // what stood there before was overwritten
			}
		})
	}
	return x
}
