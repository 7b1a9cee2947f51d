package gemm

// What the tests of this package, which lie outside of it so that they can use gemmtest, see of its inside.
const (
	MaxKC       = maxKC
	GEMVColumns = gemvCols
	MaxGEMVRows = maxGEMVRows
	PackedSteps = packedSteps
)

// RoutinesOf are those for a layout.
func (ks *Kernels) RoutinesOf(l Layout) *Routines { return ks.routines(l) }

// LeftBlocks is how many rows and steps of a left operand of (rows, k) are taken at a time beside a second-level cache of so many bytes.
func LeftBlocks(secondLevel, mr, rows, k int) (high, steps int) {
	return leftBlocksFor(secondLevel).of(mr, rows, k)
}

// SetLeftBlocks lets m take so much of its left operand at a time.
func (m *Multiplier) SetLeftBlocks(numbers, rows int) { m.left = leftBlocks{numbers, rows} }

// LeftBlocks is how much m takes of (rows, k).
func (m *Multiplier) LeftBlocks(rows, k int) (high, steps int) { return m.left.of(m.ks.MR, rows, k) }
