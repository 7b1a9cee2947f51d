package reftest

import (
	"math"
	"testing"
)

// recorder is a test that only notes whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

// TestCompare: what is off anywhere is found, whatever follows it.
func TestCompare(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name      string
		got, want []float64
		fails     bool
	}{
		{"equal", []float64{1, -2}, []float64{1, -2}, false},
		{"near", []float64{1, 2.0001}, []float64{1, 2}, false},
		{"far", []float64{1.1, 2}, []float64{1, 2}, true},
		{"short", []float64{1}, []float64{1, 2}, true},
		{"NaN before good numbers", []float64{nan, 2, 3}, []float64{1, 2, 3}, true},
		{"NaN after good numbers", []float64{1, 2, nan}, []float64{1, 2, 3}, true},
		{"NaN wanted", []float64{1, 2}, []float64{nan, 2}, true},
		{"infinities at one place", []float64{inf, 2}, []float64{inf, 2}, false},
		{"an infinity for a number", []float64{inf, 2}, []float64{1, 2}, true},
		{"a number for an infinity", []float64{1, 2}, []float64{-inf, 2}, true},
	} {
		r := &recorder{TB: t}
		Compare(r, c.name, c.got, c.want, Tolerance)
		if r.failed != c.fails {
			t.Errorf("%s: failed %v, want %v", c.name, r.failed, c.fails)
		}
	}
}
