package gemm

// leftBlocks is how much of its left operand a product takes at a time: at most so many rows, and so many numbers in all. The product reads
// them again for every few columns, so they must lie in a cache.
type leftBlocks struct{ numbers, rows int }

// FarThirdLevel is a size of a core's second-level cache. Processors with that much or more (Intel's servers since Sapphire Rapids) are
// taken to have a third-level cache that is far away and shared by many cores.
const FarThirdLevel = 2 << 20

// leftBlocksFor chooses by the bytes of a core's second-level cache; 0 is unknown. The part fits into the second level where the third is
// far away, else into the third. Rows are bounded so that a part has several hundred steps: dst is read and written again for each part
// of the steps, and weights are packed again for each part of the rows.
func leftBlocksFor(secondLevel int) leftBlocks {
	if secondLevel >= FarThirdLevel {
		return leftBlocks{numbers: secondLevel / 5, rows: 480} // four bytes each: four fifths of it
	}
	return leftBlocks{numbers: 11 << 17, rows: 4096}
}

// of is how many rows and steps of (rows, k) a product takes at a time, in parts of about the same size: whole tiles of mr rows and
// multiples of 16 steps.
func (l leftBlocks) of(mr, rows, k int) (high, steps int) {
	high = EvenParts(rows, l.rows, mr)
	return high, EvenParts(k, max(l.numbers/high, 16), 16)
}

// EvenParts divides n into as few parts as there can be of at most the length most, all about equal, and returns that length, rounded
// up to a multiple of unit.
func EvenParts(n, most, unit int) int {
	parts := max((n+most-1)/most, 1)
	return max(((n+parts-1)/parts+unit-1)/unit*unit, unit)
}

// maxKC is the most steps of k that a tile computes at a time (kc in BLIS). Longer blocks load and store the accumulators less
// often. A product over more steps goes on from what dst holds, which is exact.
const maxKC = 512

// kcFor is how many steps a tile computes at a time in a product over k. All blocks have about the same length: during a short
// one there would be no time to pack the weights of the next.
func kcFor(k int) int { return EvenParts(k, maxKC, 16) }

// Blocking for the second-level cache: groupCols columns of packed weights, 2 kB each, are multiplied with groupRows rows of x
// before the next columns are packed.
const (
	groupCols = 32
	groupRows = 192
)
