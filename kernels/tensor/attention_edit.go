package tensor

import (
	"fmt"
	"math"
)

var negInf = float32(math.Inf(-1))

// applyRow applies e to the visible part of one query's row of scores or probabilities. A value for add or set is
// (keys), (queries, keys) or (heads, queries, keys). Mean spreads the row evenly over what the query sees.
func (e Edit) applyRow(row []float32, a *attention, head, query int, r *Run) error {
	chosen, err := e.chosen(1, r.FirstRow+query, r.rowsInAll(a.q.Rows))
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		return nil
	}
	keys := a.kv.Len()
	var value []float32
	if e.Op == Add || e.Op == Set {
		switch len(e.Value) {
		case keys:
			value = e.Value
		case a.q.Rows * keys:
			value = e.Value[query*keys:]
		case a.heads * a.q.Rows * keys:
			value = e.Value[(head*a.q.Rows+query)*keys:]
		default:
			return fmt.Errorf("the value holds %d numbers; %d, %d or %d fit (keys, queries x keys, heads x queries x keys)", len(e.Value), keys, a.q.Rows*keys, a.heads*a.q.Rows*keys)
		}
	}
	switch e.Op {
	case Zero:
		clear(row)
	case Scale:
		for i := range row {
			row[i] *= e.Scale
		}
	case Add:
		for i := range row {
			row[i] += float32(e.Scale * value[i])
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
