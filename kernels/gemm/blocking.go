package gemm

// leftBlocks is how much of its left operand a product takes at a time (mc by kc of BLIS): at most so many rows, and so many numbers in all.
// The product reads a block again for every few columns, so it must lie in a cache.
type leftBlocks struct{ numbers, rows int }

// FarThirdLevel is a size of a core's second-level cache. Processors with that much or more (Intel's servers since Sapphire Rapids) are
// taken to have a third-level cache that is far away and shared by many cores.
const FarThirdLevel = 2 << 20

// leftBlocksFor chooses by the bytes of a core's second-level cache; 0 is unknown. Where the third level is far away, a block fits into the
// second, and else into the third. The number of rows is bounded so that a block has several hundred steps. Shorter blocks cost more: dst is
// read and written again for each block of steps, and weights are packed again for each block of rows.
func leftBlocksFor(secondLevel int) leftBlocks {
	if secondLevel >= FarThirdLevel {
		return leftBlocks{numbers: secondLevel / 5, rows: 480} // four bytes each: four fifths of it
	}
	return leftBlocks{numbers: 11 << 17, rows: 4096}
}

// of is how many rows and steps of (rows, k) a product takes at a time: whole tiles of mr rows, and a multiple of 16 steps. All blocks of a
// product are about the same size.
func (l leftBlocks) of(mr, rows, k int) (mc, kc int) {
	mc = EvenParts(rows, l.rows, mr)
	return mc, EvenParts(k, max(l.numbers/mc, 16), 16)
}

// EvenParts divides n into the fewest parts that are no longer than most. They are about equal; it returns their length, rounded up to a
// multiple of unit.
func EvenParts(n, most, unit int) int {
	parts := max((n+most-1)/most, 1)
	return max(((n+parts-1)/parts+unit-1)/unit*unit, unit)
}

// maxKC is the most steps of k that a tile computes at a time. Longer blocks load and store the accumulators less often. A product over more
// steps goes on from what dst holds, which is exact.
const maxKC = 512

// kcFor is how many steps a tile computes at a time in a product over k. All blocks have about the same length, since during a short one there
// would be no time to pack the weights of the next.
func kcFor(k int) int { return EvenParts(k, maxKC, 16) }

// Blocking for the second-level cache: groupCols columns of packed weights, 2 kB each, are multiplied with groupRows rows of x
// before the next columns are packed.
const (
	groupCols = 32
	groupRows = 192
)
