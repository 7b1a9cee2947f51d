package tensor

import "fmt"

// Edit is one change at a tap point: what contracts call an intervention.
type Edit struct {
	Op    EditOp
	Head  int       // -1: all heads
	Rows  []int     // rows of the sequence, negative from the end of the prompt; nil: all rows
	Value []float32 // for add and set: one row, or one for each of Rows, or one for each row of the tensor or of the prompt
	Width int       // columns of Value's rows, whose part for Head is then taken; 0: as many as are changed
	Scale float32   // for scale, and the factor of Value for add
}

// EditOp is the kind of an [Edit].
type EditOp uint8

// The kinds of edits. Mean replaces each chosen row by the mean over the rows of the tensor, which are those of the prompt
// where that is read at once, and the only one in a step of generation.
const (
	Zero EditOp = iota
	Scale
	Add
	Set
	Mean
)

// String is the name in an interventions file.
func (o EditOp) String() string {
	return [...]string{"zero", "scale", "add", "set", "mean"}[o]
}

// Edit applies e to x, (rows, heads*width), in place. It fails the run where a head, a row or a value does not fit.
func (r *Run) Edit(p Point, e Edit, x Tensor, heads int) {
	from, whole := 0, x.Cols
	if e.Head >= 0 {
		if heads == 1 {
			r.Fail(fmt.Errorf("intervention at %s: head %d, but what passes there is not divided into heads; leave `head` out, or name a tap that is, such as self_attn.heads", p, e.Head))
			return
		}
		if e.Head >= heads {
			r.Fail(fmt.Errorf("intervention at %s: head %d, but there are %d heads, numbered from 0", p, e.Head, heads))
			return
		}
		width := x.Cols / heads
		from = e.Head * width
		x = x.Columns(from, from+width)
	}
	v, err := e.rowValues(x, from, whole, r)
	if err == nil {
		err = r.change(x, func(x Tensor) error { return e.apply(x, r, v) })
	}
	if err != nil {
		r.Fail(fmt.Errorf("intervention at %s: %w", p, err))
	}
}

// editBackward turns the gradient of x after e into that before it.
func (r *Run) editBackward(p Point, e Edit, x Tensor, heads int) {
	g := x.gradTensor()
	switch e.Op {
	case Add:
		return
	case Set:
		e.Op = Zero
	case Mean:
		r.meanBackward(p, e, g, heads)
		return
	}
	r.Edit(p, e, g, heads)
}

// meanBackward spreads the gradient of the rows that e made the mean of all rows over these.
func (r *Run) meanBackward(p Point, e Edit, g Tensor, heads int) {
	if e.Head >= 0 {
		width := g.Cols / heads
		g = g.Columns(e.Head*width, (e.Head+1)*width)
	}
	chosen, err := e.chosen(g.Rows, r.FirstRow, r.rowsInAll(g.Rows), r.MoreRows)
	if err != nil {
		r.Fail(fmt.Errorf("intervention at %s: %w", p, err))
		return
	}
	r.check(r.change(g, func(g Tensor) error {
		sum := make([]float32, g.Cols)
		for _, c := range chosen {
			for i, v := range g.Row(c.row) {
				sum[i] += v
			}
			clear(g.Row(c.row))
		}
		share := 1 / float32(g.Rows)
		for i := range g.Rows {
			for c, row := 0, g.Row(i); c < len(row); c++ {
				row[c] += float32(sum[c] * share)
			}
		}
		return nil
	}))
}

// rowsInAll is the number of rows that negative row numbers count from.
func (r *Run) rowsInAll(here int) int {
	if r.PromptRows > 0 {
		return r.PromptRows
	}
	return here
}

// apply changes the rows of x that e names, whose row 0 is row r.FirstRow of the sequence.
func (e Edit) apply(x Tensor, r *Run, v rowValues) error {
	first, all := r.FirstRow, r.rowsInAll(x.Rows)
	chosen, err := e.chosen(x.Rows, first, all, r.MoreRows)
	if err != nil {
		return err
	}
	var mean []float32
	if e.Op == Mean {
		mean = meanRow(x)
	}
	for _, c := range chosen {
		row := x.Row(c.row)
		switch e.Op {
		case Zero:
			clear(row)
		case Scale:
			for i := range row {
				row[i] *= e.Scale
			}
		case Add:
			for i, v := range v.row(c.nth, first+c.row) {
				row[i] += float32(e.Scale * v)
			}
		case Set:
			copy(row, v.row(c.nth, first+c.row))
		case Mean:
			copy(row, mean)
		}
	}
	return nil
}

// choice is a row of a tensor and which of the value's rows belongs to it.
type choice struct{ row, nth int }

// chosen are the rows that e names among rows ones, the first of which is row first of a sequence whose prompt has all and
// which may grow by more.
func (e Edit) chosen(rows, first, all, more int) ([]choice, error) {
	var out []choice
	if e.Rows == nil {
		for i := range rows {
			out = append(out, choice{i, i})
		}
		return out, nil
	}
	for n, want := range e.Rows {
		at := want
		if at < 0 {
			at += all
		}
		if at < 0 || (want < 0 && at >= all) {
			return nil, fmt.Errorf("row %d, but there are %d rows", want, all)
		}
		if first == 0 && at >= max(all, rows)+more {
			return nil, fmt.Errorf("row %d, but there are %d rows", want, all+more)
		}
		if at >= first && at < first+rows {
			out = append(out, choice{at - first, n})
		}
	}
	return out, nil
}

// meanRow is the mean over the rows of x, summed in row order.
func meanRow(x Tensor) []float32 {
	out := make([]float32, x.Cols)
	for i := range x.Rows {
		for c, v := range x.Row(i) {
			out[c] += v
		}
	}
	for c := range out {
		out[c] /= float32(x.Rows)
	}
	return out
}
