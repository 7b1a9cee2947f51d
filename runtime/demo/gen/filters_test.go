package main

import (
	"math"
	"testing"
)

// TestPatternsAreOrthonormal: what one pattern answers to, no other does.
func TestPatternsAreOrthonormal(t *testing.T) {
	const n = 14
	at := func(u, v int) []float64 {
		p := make([]float64, n*n)
		pattern(p, n, u, v, 1)
		return p
	}
	for _, a := range [][2]int{{0, 0}, {0, 1}, {3, 2}, {13, 13}} {
		for _, b := range [][2]int{{0, 0}, {0, 1}, {2, 3}, {3, 2}, {13, 13}} {
			sum, want := 0.0, 0.0
			p, q := at(a[0], a[1]), at(b[0], b[1])
			for i := range p {
				sum += p[i] * q[i]
			}
			if a == b {
				want = 1
			}
			if math.Abs(sum-want) > 1e-5 {
				t.Errorf("patterns %v and %v have the product %v, want %v", a, b, sum, want)
			}
		}
	}
}

// TestBandsShareTheFilters: every filter has a band, and every pattern that is no grain lies in one.
func TestBandsShareTheFilters(t *testing.T) {
	parts := 0
	for i, b := range bands {
		parts += b.part
		if i > 0 && b.from != bands[i-1].to+1 {
			t.Errorf("band %d begins at %d, the one before it ends at %d", i, b.from, bands[i-1].to)
		}
	}
	if parts != 8 || bands[len(bands)-1].to != 2*(vision.PatchSize-1) {
		t.Errorf("the bands take %d filters of 8 and end at %d of %d", parts, bands[len(bands)-1].to, 2*(vision.PatchSize-1))
	}
}
