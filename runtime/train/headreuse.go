package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/vit"
)

// reuse compares a head that is there with the data. Its notes say what the head's outputs mean, which targets one of the
// two lacks, and which scores lie outside the head's range.
func reuse(h *vit.Head, records []Record) (notes []string) {
	known := map[string]bool{}
	for _, t := range h.Config.Targets {
		known[t.Name] = true
		values := valuesOf(records, t.Name)
		if len(values) == 0 {
			notes = append(notes, fmt.Sprintf("target %s of the score head: no record to learn from has it; its weights are kept as they are", t.Name))
			continue
		}
		low, high := slices.Min(values), slices.Max(values)
		note := fmt.Sprintf("target %s goes on from the score head that is there: mean %.6g, standard deviation %.6g, range %.6g to %.6g; the records to learn from have %.6g to %.6g",
			t.Name, t.Mean, t.Std, t.Min, t.Max, low, high)
		if beyond := countBeyond(values, t.Min, t.Max); beyond > 0 {
			note += fmt.Sprintf(", %d of %d beyond the range, which are learned from as they are and will be shown at its edge", beyond, len(values))
		}
		if beyond := countBeyond(values, t.Min, t.Max); beyond > 0 || high-low < 0.05*(t.Max-t.Min) {
			note += "; if they are in other units, give their range with train.Options.ScoreRange, to which the head is rescaled"
		}
		notes = append(notes, note)
	}
	var lacking []string
	for _, name := range targetNames(records) {
		if !known[name] {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		notes = append(notes, fmt.Sprintf("the score head has no target %s: what the records say of it is not learned; a new head, without Options.Head, learns it", strings.Join(lacking, ", ")))
	}
	return notes
}

func countBeyond(values []float64, low, high float64) (n int) {
	for _, v := range values {
		if v < low || v > high {
			n++
		}
	}
	return n
}

// valuesOf are the values of a target in the records that have it.
func valuesOf(records []Record, target string) (values []float64) {
	for i := range records {
		if v, ok := records[i].value(target); ok {
			values = append(values, v)
		}
	}
	return values
}

// kept freezes the rows of the head's last layer whose target no record has: neither weight decay nor an old moment moves
// them.
func kept(h *vit.Head, params []*Param, records []Record) {
	rows := make([]bool, len(h.Config.Targets))
	for t, c := range h.Config.Targets {
		rows[t] = len(valuesOf(records, c.Name)) == 0
	}
	last := h.Layers[len(h.Layers)-1].Name
	for _, p := range params {
		if slices.Contains(rows, true) && (p.Name == last+".weight" || p.Name == last+".bias") {
			p.Kept = rows
		}
	}
}

// rescale gives those targets of a head that the records have another range, linearly: the ends of the old range become the
// ends of the new one.
func rescale(h *vit.Head, low, high float64, records []Record) {
	for i := range h.Config.Targets {
		t := &h.Config.Targets[i]
		if len(valuesOf(records, t.Name)) == 0 {
			continue
		}
		by := (high - low) / (t.Max - t.Min)
		t.Mean, t.Std = low+float64((t.Mean-t.Min)*by), math.Abs(t.Std*by)
		t.Min, t.Max = low, high
	}
}
