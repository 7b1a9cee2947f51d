package serve

import (
	"slices"
	"testing"
)

// TestKeeping: the oldest run goes, but for one that is pinned or that a kept run is an edit of.
func TestKeeping(t *testing.T) {
	var gone []int
	s := newRuns("aa", 4, func(id runID) { gone = append(gone, id.number()) })
	add := func(of int) runID {
		r := &run{}
		if of > 0 {
			r.ask.Picture, r.edits = newRunID("aa", of), make([]edit, 1)
		}
		s.add(r)
		return r.id
	}
	kept := func() []int {
		var out []int
		for _, r := range s.list() {
			out = append(out, r.id.number())
		}
		return out
	}
	first := add(0)
	for range 5 {
		add(1)
	}
	if got := kept(); !slices.Equal(got, []int{1, 4, 5, 6}) || !slices.Equal(gone, []int{2, 3}) {
		t.Errorf("after five edits %v are kept, and %v have gone", got, gone)
	}
	for range 4 {
		add(0)
	}
	if got := kept(); !slices.Equal(got, []int{7, 8, 9, 10}) {
		t.Errorf("after four others %v are kept: the edits have gone, and what they were edits of", got)
	}
	if err := s.pin(first, true); err == nil {
		t.Error("a run that has gone can be pinned")
	}
	for n := 7; n <= 8; n++ {
		if err := s.pin(newRunID("aa", n), true); err != nil {
			t.Error(err)
		}
	}
	if err := s.pin(newRunID("aa", 9), true); err == nil {
		t.Error("more than half of the runs can be pinned")
	}
	for range 3 {
		add(0)
	}
	if got := kept(); !slices.Equal(got, []int{7, 8, 12, 13}) {
		t.Errorf("with two pinned %v are kept", got)
	}
	if err := s.pin(newRunID("aa", 7), false); err != nil {
		t.Error(err)
	}
	add(0)
	if got := kept(); !slices.Equal(got, []int{8, 12, 13, 14}) {
		t.Errorf("with one let go %v are kept", got)
	}
	if newRunID("aa", 3).number() != 3 || runID("x").number() != 0 || runID("aa-3x").number() != 0 {
		t.Error("numbers of IDs are read wrongly")
	}
}

// TestSystemText: the rubric for scores goes with a model that scores.
func TestSystemText(t *testing.T) {
	m := embedded(t)
	if systemText(m) == "" {
		t.Error("a model with a score head has no rubric")
	}
	m.Head = nil
	if got := systemText(m); got != "" && m.Taught == nil {
		t.Errorf("without a score head the system text is %q", got)
	}
}
