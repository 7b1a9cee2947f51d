package metrics

import (
	"slices"
	"testing"
)

func TestDerangement(t *testing.T) {
	for n := 2; n < 40; n++ {
		for seed := range uint64(20) {
			order := Derangement(n, seed)
			seen := make([]bool, n)
			for i, j := range order {
				if i == j || seen[j] {
					t.Fatalf("%d things, seed %d: %v keeps or repeats one", n, seed, order)
				}
				seen[j] = true
			}
			if !slices.Equal(order, Derangement(n, seed)) {
				t.Fatalf("%d things, seed %d: two orders", n, seed)
			}
		}
	}
	if slices.Equal(Derangement(30, 1), Derangement(30, 2)) {
		t.Error("two seeds give one order")
	}
	// Of three things there are two cycles; each must come up about as often.
	count := 0
	for seed := range uint64(1000) {
		if Derangement(3, seed)[0] == 1 {
			count++
		}
	}
	if count < 430 || count > 570 {
		t.Errorf("one of two cycles comes up %d times of 1000", count)
	}
}
