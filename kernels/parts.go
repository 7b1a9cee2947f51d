package kernels

// leftPart is how much of its left operand a product takes at a time: of so many rows at most so many numbers. It reads them again for
// each few columns, from the cache that holds them.
type leftPart struct{ numbers, rows int }

// farThirdLevel is the size of a core's second-level cache from which on the third one is taken to be shared by many cores and far
// away: that of Intel's servers since Sapphire Rapids.
const farThirdLevel = 2 << 20

// leftPartFor chooses by the bytes of a core's second-level cache; 0 is unknown. Where the third level is far away, the part lies in
// the second, else in the third. There are no more rows than leave it several hundred steps, since dst is read and written anew for
// each part of them; weights are packed anew for each part of rows, on the side.
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

// evenParts is how long each of the fewest parts of n is, all about the same, none longer than most, but for being a multiple of unit.
func evenParts(n, most, unit int) int {
	parts := max((n+most-1)/most, 1)
	return max(((n+parts-1)/parts+unit-1)/unit*unit, unit)
}
