package tensor

import "fmt"

// rowValues are the rows of an edit's value.
type rowValues struct {
	value      []float32
	width      int // of a row of value
	from, cols int // the columns of it that count
	by         valueRows
}

// valueRows says which row of a value belongs to a row of the tensor.
type valueRows uint8

const (
	oneForAll valueRows = iota
	byName              // the nth of Edit.Rows
	byPlace             // the row of the sequence; rows after the value's last have none
)

// rowValues holds the value of add and set against x, the columns from on of a tensor whole columns wide, and the prompt.
func (e Edit) rowValues(x Tensor, from, whole int, r *Run) (v rowValues, err error) {
	if e.Op != Add && e.Op != Set {
		return v, nil
	}
	v = rowValues{value: e.Value, width: x.Cols, cols: x.Cols}
	switch {
	case e.Width == 0 || e.Width == x.Cols || len(e.Value) == x.Cols:
	case e.Width == whole:
		v.width, v.from = whole, from
	default:
		return v, fmt.Errorf("the value's rows have %d columns; %d fit", e.Width, x.Cols)
	}
	all, named := r.rowsInAll(x.Rows), len(e.Rows)
	switch n := len(e.Value); {
	case n == v.width:
		v.by = oneForAll
	case named > 0 && n == named*v.width:
		v.by = byName
	case n > 0 && n == all*v.width:
		v.by = byPlace
	default:
		fit := fmt.Sprintf("%d (one row)", v.width)
		if named > 0 && named != all {
			fit += fmt.Sprintf(", %d (%d rows)", named*v.width, named)
		}
		return v, fmt.Errorf("the value holds %d numbers; %s or %d (%d rows) fit", n, fit, all*v.width, all)
	}
	return v, nil
}

// row is what belongs to the nth named row, which is row at of the sequence; nil for none.
func (v rowValues) row(nth, at int) []float32 {
	switch v.by {
	case oneForAll:
		nth = 0
	case byPlace:
		nth = at
	}
	if (nth+1)*v.width > len(v.value) {
		return nil
	}
	return v.value[nth*v.width+v.from:][:v.cols]
}
