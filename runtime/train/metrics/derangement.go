package metrics

import (
	"math/bits"
	"math/rand/v2"
)

// derangementStream is the second half of the generator's seed, as stream is the bootstrap's.
const derangementStream = 0x646572616e6765 // "derange"

// Derangement is an order of 0 to n-1 in which nothing stands in its own place: a control that pairs each thing with another's
// counterpart. It is one cycle through all, drawn uniformly (Sattolo 1986). n must be 2 at least. One seed, one order.
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
