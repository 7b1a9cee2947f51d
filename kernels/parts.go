package kernels

// leftPart is how much of its left operand a product takes at a time: at most so many rows, and so many numbers in all. The product reads
// them again for every few columns, so they must lie in a cache.
type leftPart struct{ numbers, rows int }

// farThirdLevel is a size of a core's second-level cache. Processors with that much or more (Intel's servers since Sapphire Rapids) are
// taken to have a third-level cache that is far away and shared by many cores.
const farThirdLevel = 2 << 20

// leftPartFor chooses by the bytes of a core's second-level cache; 0 is unknown. The part fits into the second level where the third is
// far away, else into the third. Rows are bounded so that a part has several hundred steps: dst is read and written again for each part
// of the steps, and weights are packed again for each part of the rows.
func leftPartFor(secondLevel int) leftPart {
	if secondLevel >= farThirdLevel {
		return leftPart{numbers: secondLevel / 5, rows: 480} // four bytes each: four fifths of it
	}
	return leftPart{numbers: 11 << 17, rows: 4096}
}

// of is how many rows and steps of (rows, k) a product takes at a time, in parts of about the same size: whole tiles of mr rows and
// multiples of 16 steps.
func (l leftPart) of(mr, rows, k int) (high, steps int) {
	high = evenParts(rows, l.rows, mr)
	return high, evenParts(k, max(l.numbers/high, 16), 16)
}

// evenParts divides n into as few parts as there can be of at most the length most, all about equal, and returns that length, rounded
// up to a multiple of unit.
func evenParts(n, most, unit int) int {
	parts := max((n+most-1)/most, 1)
	return max(((n+parts-1)/parts+unit-1)/unit*unit, unit)
}
