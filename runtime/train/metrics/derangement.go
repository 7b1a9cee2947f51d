package metrics

import (
	"math/bits"
	"math/rand/v2"
)

// derangementStream is the second half of the generator's seed, as stream is the bootstrap's.
const derangementStream = 0x646572616e6765 // "derange"

// Derangement is a permutation of 0 to n-1 without fixed points, for a control that pairs each item with another's
// counterpart. It is a single cycle, drawn uniformly (Sattolo 1986). n must be at least 2. The same seed gives the same
// permutation.
func Derangement(n int, seed uint64) []int {
	source := rand.NewPCG(seed, derangementStream)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j, _ := bits.Mul64(source.Uint64(), uint64(i)) // below i: never its own place
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// DerangementOf is a permutation that maps no item to one of its own group; group has the group of each item. nil: there is
// none, since one group has more than half of the items. If each item is a group of its own it is Derangement.
func DerangementOf(group []int, seed uint64) []int {
	n, size, most := len(group), map[int]int{}, 0
	for _, g := range group {
		size[g]++
		most = max(most, size[g])
	}
	if 2*most > n {
		return nil
	}
	order := Derangement(n, seed)
	if most == 1 {
		return order
	}
	// The items in random order, group after group. Each is paired with the one that stands as many places further as the
	// largest group has items, which is of another group.
	var line []int
	taken := map[int]bool{}
	for _, i := range order {
		if taken[group[i]] {
			continue
		}
		taken[group[i]] = true
		for _, j := range order {
			if group[j] == group[i] {
				line = append(line, j)
			}
		}
	}
	out := make([]int, n)
	for at, i := range line {
		out[i] = line[(at+most)%n]
	}
	return out
}
