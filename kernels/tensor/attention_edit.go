package tensor

import (
	"fmt"
	"math"
)

var negInf = float32(math.Inf(-1))

// edit applies edits in order to the visible part of a block of scores or probabilities, whose first query is lo.
func (a *attention) edit(r *Run, edits []Edit, p Tensor, head, lo int) error {
	for _, e := range edits {
		if e.Head >= a.heads {
			return fmt.Errorf("head %d, but there are %d heads", e.Head, a.heads)
		}
		if e.Head >= 0 && e.Head != head {
			continue
		}
		for i := range p.Rows {
			if err := e.applyRow(p.Row(i)[:a.visible(lo+i)], a, head, lo+i, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// editBackward turns the gradients of a block after edits into those before them.
func (a *attention) editBackward(r *Run, edits []Edit, g Tensor, head, lo int) {
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i]
		switch e.Op { // scaling and spreading evenly are their own transposes
		case Add:
			continue
		case Set:
			e.Op = Zero
		}
		_ = a.edit(r, []Edit{e}, g, head, lo) // it fitted on the way forward
	}
}

// applyRow applies e to the visible part of one query's row of scores or probabilities. A value for add or set has the shape (keys),
// (queries, keys) or (heads, queries, keys), where queries are those of the prompt, the rows that e names, or a step after the prompt.
// Keys beyond the value's are left as they are; so are later queries where each query has a row of its own. Mean spreads the row
// evenly over what the query sees.
func (e Edit) applyRow(row []float32, a *attention, head, query int, r *Run) error {
	chosen, err := e.chosen(1, r.FirstRow+query, r.rowsInAll(a.q.Rows), r.MoreRows)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return nil
	}
	var value []float32
	if e.Op == Add || e.Op == Set {
		if value, err = e.keyValues(a, head, chosen[0].nth, r.FirstRow+query, r); err != nil {
			return err
		}
		value = value[:min(len(value), len(row))]
	}
	switch e.Op {
	case Zero:
		clear(row)
	case Scale:
		for i := range row {
			row[i] *= e.Scale
		}
	case Add:
		for i, v := range value {
			row[i] += float32(e.Scale * v)
		}
	case Set:
		copy(row, value)
	case Mean:
		var sum float32
		for _, v := range row {
			sum += v
		}
		for i := range row {
			row[i] = sum / float32(len(row))
		}
	}
	return nil
}

// keyValues is the row of e's value for a query, which is the nth named one and row at of the sequence; nil for none.
func (e Edit) keyValues(a *attention, head, nth, at int, r *Run) ([]float32, error) {
	queries, keys := r.rowsInAll(a.q.Rows), a.kv.Len()
	if r.PromptRows > 0 {
		keys = r.PromptRows
	}
	n := len(e.Value)
	if now := a.kv.Len(); now > keys && n%now == 0 { // a step after the prompt may have a value of its own
		switch n / now {
		case 1, a.q.Rows, a.heads * a.q.Rows:
			queries, keys, at = a.q.Rows, now, at-r.FirstRow
		}
	}
	if n == keys {
		return e.Value, nil
	}
	rows, i, before := queries, at, 0
	if named := len(e.Rows); named > 0 && (n == named*keys || n == a.heads*named*keys) {
		rows, i = named, nth
	}
	switch n {
	case rows * keys:
	case a.heads * rows * keys:
		before = head * rows
	default:
		return nil, fmt.Errorf("the value holds %d numbers; %d, %d or %d fit (keys, queries x keys, heads x queries x keys)", n, keys, queries*keys, a.heads*queries*keys)
	}
	if i >= rows {
		return nil, nil
	}
	return e.Value[(before+i)*keys:][:keys], nil
}
