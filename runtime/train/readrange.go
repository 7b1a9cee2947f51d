package train

import (
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/weights"
)

// The range of a score where nobody states one.
const (
	leastScore = 1
	mostScore  = 100
)

// outside are the lines whose score or targets lie outside the given range.
func outside(records []Record, limits []float64) (bad []fault) {
	if len(limits) != 2 {
		return nil
	}
	for i := range records {
		r := &records[i]
		for _, name := range r.names() {
			if v, _ := r.value(name); v < limits[0] || v > limits[1] {
				bad = append(bad, r.fault(fmt.Errorf("%s is %v, outside train.Options.ScoreRange %v,%v: mend it, or state the range that the values have", name, v, limits[0], limits[1])))
			}
		}
	}
	return bad
}

// names are those of what the record says, the score first.
func (r *Record) names() (out []string) {
	for name := range r.Targets {
		out = append(out, name)
	}
	slices.Sort(out)
	if r.Score != nil {
		out = append([]string{scoreName}, out...)
	}
	return out
}

// rangeNotes are about values outside the default range of a score, for which the range of a new head is widened. For a
// head that the model has, see reuse.
func rangeNotes(records []Record, targets []weights.ScoreTarget) (notes []string) {
	for _, t := range targets {
		n, all, first, where := 0, 0, 0.0, ""
		for i := range records {
			v, ok := records[i].value(t.Name)
			if ok {
				all++
			}
			if ok && (v < leastScore || v > mostScore) {
				if n++; n == 1 {
					first, where = v, records[i].Where
				}
			}
		}
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d of %d values outside %v to %v, the first %v (%s): the new head says %v to %v; train.Options.ScoreRange LEAST,MOST states the range, and refuses what is outside",
				t.Name, n, all, leastScore, mostScore, first, where, t.Min, t.Max))
		}
	}
	return notes
}
