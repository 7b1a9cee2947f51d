package train

import (
	"math"
	"slices"
)

// Summary says what training data hold, as a run would use them.
type Summary struct {
	Records   int `json:"records"`
	Learn     int `json:"learn"`              // records to learn from
	Evaluate  int `json:"evaluate"`           // records for evaluation
	LeftOut   int `json:"left_out,omitempty"` // records of the split test, where others are for evaluation
	Pictures  int `json:"pictures"`           // of different pixels
	TextOnly  int `json:"text_only,omitempty"`
	Several   int `json:"several,omitempty"` // records of several pictures
	Critiques int `json:"critiques"`
	// Targets are the score and the others, the score first.
	Targets []TargetSummary `json:"targets"`
	// Rated is the number of pictures with several ratings, and Raters the most ratings of one picture.
	Rated  int `json:"rated,omitempty"`
	Raters int `json:"raters,omitempty"`
	// Copies are files whose pixels another file has too.
	Copies int `json:"copies,omitempty"`
}

// TargetSummary is one target over the records that say something of it.
type TargetSummary struct {
	Name   string  `json:"name"`
	Values int     `json:"values"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Mean   float64 `json:"mean"`
}

// summary is that of the run's records.
func (r *run) summary() *Summary {
	records := r.records
	s := &Summary{Records: len(records) + r.leftOut, Learn: len(records) - len(r.heldOut), Evaluate: len(r.heldOut), LeftOut: r.leftOut}
	files, raters := map[string]bool{}, map[int]int{}
	for i := range records {
		rec := &records[i]
		switch {
		case rec.Image == "":
			s.TextOnly++
		case len(rec.Others) > 0:
			s.Several++
		}
		if rec.Critique != "" {
			s.Critiques++
		}
		for _, path := range rec.images() {
			files[path] = true
		}
		if len(rec.names()) > 0 && len(rec.images()) == 1 {
			raters[r.pictures.Of[i]]++
		}
	}
	s.Pictures, s.Copies = r.sizes.pictures, len(files)-r.sizes.pictures
	for _, n := range raters {
		if n > 1 {
			s.Rated++
			s.Raters = max(s.Raters, n)
		}
	}
	s.Targets = targetsOf(records)
	return s
}

// targetsOf are the score and the other targets of records.
func targetsOf(records []Record) []TargetSummary {
	found := map[string]*TargetSummary{}
	var names []string
	for i := range records {
		for _, name := range records[i].names() {
			v, _ := records[i].value(name)
			t := found[name]
			if t == nil {
				t = &TargetSummary{Name: name, Least: math.Inf(1), Most: math.Inf(-1)}
				found[name] = t
				names = append(names, name)
			}
			t.Values++
			t.Least, t.Most, t.Mean = min(t.Least, v), max(t.Most, v), t.Mean+v
		}
	}
	out := []TargetSummary{}
	for _, name := range inOrder(names) {
		t := *found[name]
		t.Mean /= float64(t.Values)
		out = append(out, t)
	}
	return out
}

// inOrder are names of targets as they are shown: the score, the rubric's dimensions, and the others by name.
func inOrder(names []string) []string {
	order := append([]string{scoreName}, dimensions...)
	place := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	return slices.SortedFunc(slices.Values(names), func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		if a < b {
			return -1
		}
		return 1
	})
}
