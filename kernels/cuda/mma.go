//go:build cuda && linux && cgo

package cuda

import "github.com/loupe-vl/loupe/kernels"

// layoutMMA are weights that tensor cores multiply: see src/mma.cu.
var layoutMMA = denseLayout(kernels.BF16MMA, "bf16")

func init() {
	layoutMMA.arithmetic = kernels.ArithmeticBF16MMA
	layoutMMA.affine = func(d *Device, a productArgs, w weight) { d.mma(a) }
	addLayout(layoutMMA)
}

// mmaArgs is struct MMA of the kernels.
type mmaArgs struct {
	dst, x, w, bias address
	dstRow, xRow    int64
	wRow            int64
	rows, cols      int32
	steps           int32
	across          int32
}

// roundedArgs is struct Rounded of the kernels.
type roundedArgs struct {
	dst, x            address
	xRow              int64
	rows, cols, pitch int32
	unused            int32
}

// The sizes of the kernels.
const (
	mmaThreads = 128
	mmaChunk   = 32      // steps that two mma take
	mmaSlice   = 64 * 32 // steps that are summed by mma before they are added to the rest
	mmaFew     = 64      // the most rows that products of few rows are for
	mmaFloats  = 8       // the most rows that are rounded where they are multiplied
	mmaWarps   = 8       // of a block, for few rows
	mmaColumns = 8       // of one mma
)

// mma enqueues dst = x Wᵀ + bias by tensor cores. d.mu is held.
func (d *Device) mma(a productArgs) {
	rows, cols, steps := int(a.rows), int(a.cols), int(a.steps)
	args := mmaArgs{dst: a.dst, x: a.x, w: a.w, bias: a.bias, dstRow: a.dstRow, xRow: a.xRow, wRow: a.wRow, rows: a.rows, cols: a.cols, steps: a.steps, across: 1}
	if rows > mmaFloats {
		args.x, args.xRow = d.roundBF16(a)
	}
	if rows > mmaFew {
		launch(d, "mma_tile", [3]int{blocks(rows, tileSize) * blocks(cols, tileSize), 1, 1}, mmaThreads, args)
		return
	}
	name, high, wide := "mma_rows_32", 32, 2
	switch {
	case rows == 1:
		name, high, wide = "mma_rows_1", 16, 1
	case rows <= mmaFloats:
		name, high = "mma_rows_8", 16
	case rows <= 16:
		name, high = "mma_rows_16", 16
	}
	// As many warps have a slice each as makes all of them as busy as can be; the others of a block have other columns.
	slices := max(1, blocks(steps, mmaSlice))
	across := blocks(slices, blocks(slices, mmaWarps))
	groups := mmaWarps / across
	args.across = int32(across)
	launch(d, name, [3]int{blocks(cols, wide*mmaColumns*groups), blocks(rows, high), 1}, 32*across*groups, args)
}

// roundBF16 is the left operand of a product as bfloat16, in scratch memory, and how far apart its rows are: whole chunks, with zeros at the end.
func (d *Device) roundBF16(a productArgs) (at address, row int64) {
	pitch := blocks(int(a.steps), mmaChunk) * mmaChunk
	at = d.grow(scratchRounded, max(1, 2*int(a.rows)*pitch))
	d.prepare(prepared{by: "round_to_bf16", to: at, x: a.x, row: a.xRow, rows: a.rows, steps: a.steps}, func() {
		launch(d, "round_to_bf16", flat(int(a.rows)*pitch/2), flatThreads, roundedArgs{dst: at, x: a.x, xRow: a.xRow, rows: a.rows, cols: a.steps, pitch: int32(pitch)})
	})
	return at, int64(pitch)
}
