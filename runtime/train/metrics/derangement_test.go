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

// TestDerangementOf: nothing stands in the place of its own group, whatever the groups' sizes.
func TestDerangementOf(t *testing.T) {
	for seed := range uint64(30) {
		for _, group := range [][]int{{0, 0, 1, 1}, {0, 1, 1, 2, 2, 2, 3}, {0, 1, 0, 1, 0, 1}, {0, 1, 2, 3}, {2, 2, 2, 0, 1, 0}} {
			order, seen := DerangementOf(group, seed), map[int]bool{}
			for i, j := range order {
				if group[i] == group[j] || seen[j] {
					t.Fatalf("groups %v, seed %d: %v", group, seed, order)
				}
				seen[j] = true
			}
			if len(order) != len(group) {
				t.Fatalf("groups %v: %v", group, order)
			}
		}
	}
	if order := DerangementOf([]int{0, 0, 1}, 1); order != nil {
		t.Errorf("one group is more than half, and the order is %v", order)
	}
	if a, b := DerangementOf([]int{0, 1, 2, 3, 4}, 7), Derangement(5, 7); !slices.Equal(a, b) {
		t.Errorf("of single things: %v, want %v", a, b)
	}
}
