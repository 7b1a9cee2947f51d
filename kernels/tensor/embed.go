package tensor

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
)

// Gather looks up the row of table for each id: (len(ids), table.Cols). grad is the gradient of the table to add to, dense;
// none where it does not learn.
func (r *Run) Gather(table kernels.Placed, grad kernels.Buffer, ids []int) Tensor {
	out := r.New(len(ids), table.Cols)
	for i, id := range ids {
		if id < 0 || id >= table.Rows {
			r.Fail(fmt.Errorf("token id %d at position %d is not in the vocabulary of %d", id, r.FirstRow+i, table.Rows))
			return out
		}
	}
	if r.idle() {
		return out
	}
	r.dev.Gather(out.array(), table, ids)
	if r.taping(!grad.None()) {
		out, rows := r.WithGrad(out), table.Rows // the table itself is too large to be captured without being allocated
		r.record(func() {
			if !grad.None() {
				r.dev.AddRows(dense(rows, out.Cols, grad).array(), ids, out.grad(), nil)
			}
		})
		return out
	}
	return out
}

// Place overwrites row at[i] of x by row i of rows, which may lie on the host: vision features take the places of their placeholder
// tokens.
func (r *Run) Place(x Tensor, at []int, rows Tensor) Tensor {
	if r.idle() {
		return x
	}
	if len(at) != rows.Rows || x.Cols != rows.Cols {
		r.Fail(fmt.Errorf("%d placeholder tokens of width %d cannot take %d vision rows of width %d", len(at), x.Cols, rows.Rows, rows.Cols))
		return x
	}
	rows = r.Here(rows)
	if r.idle() {
		return x
	}
	r.dev.CopyRows(x.array(), at, rows.array(), nil)
	if r.taping(false, x, rows) {
		x = r.WithGrad(x)
		r.record(func() {
			if rows.HasGrad() {
				r.dev.AddRows(rows.grad(), nil, x.grad(), at)
			}
			r.clearRows(x.gradTensor(), at) // what stood there before was overwritten
		})
	}
	return x
}

// clearRows sets rows of x to 0, those that follow one another together.
func (r *Run) clearRows(x Tensor, at []int) {
	for i := 0; i < len(at); {
		n := 1
		for i+n < len(at) && at[i+n] == at[i]+n {
			n++
		}
		r.dev.Clear(x.Slice(at[i], at[i]+n).array())
		i += n
	}
}
