package train

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// TestEpochs: each epoch has each record once, its last step has the rest, the same for every epoch, and no step is of two epochs.
func TestEpochs(t *testing.T) {
	for _, c := range []struct{ records, each, per, last int }{{7, 4, 2, 3}, {8, 4, 2, 4}, {3, 5, 1, 3}, {1, 1, 1, 1}} {
		for _, shuffle := range []bool{false, true} {
			e := epochs{records: c.records, each: c.each, shuffle: shuffle, seed: 9}
			if e.perEpoch() != c.per {
				t.Fatalf("%+v: %d steps an epoch", c, e.perEpoch())
			}
			for epoch := range 3 {
				var all []int
				for s := range c.per {
					numbers, before := e.step(epoch*c.per + s)
					if before != epoch*c.records+len(all) {
						t.Errorf("%+v: step %d of epoch %d comes after %d records", c, s, epoch, before)
					}
					all = append(all, numbers...)
					if s == c.per-1 && len(numbers) != c.last {
						t.Errorf("%+v: the last step has %d records", c, len(numbers))
					}
				}
				slices.Sort(all)
				for i := range c.records {
					if len(all) != c.records || all[i] != i {
						t.Fatalf("%+v: epoch %d has records %v", c, epoch, all)
					}
				}
			}
			if said := e.uneven(); (said != "") != (c.records%c.each != 0) {
				t.Errorf("%+v: %q", c, said)
			}
		}
	}
}

// TestConstantScores: values that are all the same, but for rounding, have deviation 1; those that differ have their own.
func TestConstantScores(t *testing.T) {
	for _, v := range []float64{0.1, 0, 55, 1e9 / 3, -7.7} {
		if _, d := meanAndDeviation([]float64{v, v, v, v, v, v, v}); d != 1 {
			t.Errorf("seven times %v: deviation %v", v, d)
		}
	}
	if _, d := meanAndDeviation([]float64{1, 1.0001}); math.Abs(d-0.00005) > 1e-9 {
		t.Errorf("deviation %v", d)
	}
}

// TestAveraged: numbers become means over those that have them, different critiques stay, and the first alone has the numbers.
func TestAveraged(t *testing.T) {
	score := func(v float64) *float64 { return &v }
	records, p := recordsOf(4, map[int]int{1: 0, 2: 0})
	for i := range records {
		p.shown[i] = []digest{p.digests[p.Of[i]]}
		records[i].number = i + 1
	}
	records[0].Score, records[0].Critique = score(1), "a"
	records[1].Score, records[1].Critique, records[1].Targets = score(4), "b", map[string]float64{"color": 8}
	records[2].Score = score(4)
	records[3].Score = score(9)
	out, pictures := averaged(records, p)
	if len(out) != 3 || pictures.Len() != 2 || *out[0].Score != 3 || out[0].Targets["color"] != 8 || out[0].Critique != "a" || out[1].Score != nil || out[1].Critique != "b" || *out[2].Score != 9 {
		t.Errorf("averaged: %+v", out)
	}
	if !strings.Contains(out[0].Where, "lines 2, 3") {
		t.Errorf("it is said to be of %s", out[0].Where)
	}
	if *records[0].Score != 1 || records[0].Targets != nil {
		t.Error("the records themselves were changed")
	}
	records[1].Prompt = "Is it warm?"
	if out, _ = averaged(records, p); len(out) != 3 || *out[0].Score != 2.5 || *out[1].Score != 4 {
		t.Errorf("another question is averaged with the first: %+v", out)
	}
}
