package tensor

import "fmt"

// edit applies edits in order to the visible part of a block of scores or probabilities, whose first query is lo.
func (l *attentionLook) edit(edits []Edit, p Tensor, head, lo int) error {
	a := &l.j.spec
	for _, e := range edits {
		if e.Head >= a.Heads {
			return fmt.Errorf("head %d, but there are %d heads", e.Head, a.Heads)
		}
		if e.Head >= 0 && e.Head != head {
			continue
		}
		for i := range p.Rows {
			if err := e.applyRow(p.Row(i)[:a.Parts[0].Visible(lo+i)], l, head, lo+i); err != nil {
				return err
			}
		}
	}
	return nil
}

// editBackward turns the gradients of a block after edits into those before them.
func (l *attentionLook) editBackward(edits []Edit, g Tensor, head, lo int) {
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i]
		switch e.Op { // scaling and spreading evenly are their own transposes
		case Add:
			continue
		case Set:
			e.Op = Zero
		}
		_ = l.edit([]Edit{e}, g, head, lo) // it fitted on the way forward
	}
}

// applyRow applies e to the visible part of one query's row of scores or probabilities. A value for add or set has the shape (keys),
// (queries, keys) or (heads, queries, keys), where queries are those of the prompt, the rows that e names, or a step after the prompt.
// Keys beyond the value's are left as they are; so are later queries where each query has a row of its own. Mean spreads the row
// evenly over what the query sees.
func (e Edit) applyRow(row []float32, l *attentionLook, head, query int) error {
	r, queries := l.r, l.j.spec.Parts[0].Q.Rows
	chosen, err := e.chosen(1, r.FirstRow+query, r.rowsInAll(queries), r.MoreRows)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return nil
	}
	var value []float32
	if e.Op == Add || e.Op == Set {
		if value, err = e.keyValues(l, head, chosen[0].nth, r.FirstRow+query); err != nil {
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
func (e Edit) keyValues(l *attentionLook, head, nth, at int) ([]float32, error) {
	r, heads, here, now := l.r, l.j.spec.Heads, l.j.spec.Parts[0].Q.Rows, l.j.spec.Parts[0].Keys()
	queries, keys := r.rowsInAll(here), now
	if r.PromptRows > 0 {
		keys = r.PromptRows
	}
	n := len(e.Value)
	if now > keys && n%now == 0 { // a step after the prompt may have a value of its own
		switch n / now {
		case 1, here, heads * here:
			queries, keys, at = here, now, at-r.FirstRow
		}
	}
	if n == keys {
		return e.Value, nil
	}
	rows, i, before := queries, at, 0
	if named := len(e.Rows); named > 0 && (n == named*keys || n == heads*named*keys) {
		rows, i = named, nth
	}
	switch n {
	case rows * keys:
	case heads * rows * keys:
		before = head * rows
	default:
		return nil, fmt.Errorf("the value holds %d numbers; %d, %d or %d fit (keys, queries x keys, heads x queries x keys)", n, keys, queries*keys, heads*queries*keys)
	}
	if i >= rows {
		return nil, nil
	}
	return e.Value[(before+i)*keys:][:keys], nil
}
