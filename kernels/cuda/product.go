//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// productArgs is struct Product of the kernels.
type productArgs struct {
	dst, x, w, bias              address
	panels                       panelsArgs
	dstRow, xRow, xStep, wRow    int64
	dstBatch, xBatch, wBatch     int64
	rows, cols, steps            int32
	wShare, accumulate, plusZero int32
}

// The sizes of the kernels.
const (
	tileRows, lowRows = 128, 64 // of a tile, and of a low one
	tileCols          = 64
	tileSize          = 128 // rows and columns of a tile of tensor cores
	tileThreads       = 128
	rowThreads        = 64
	fewRows           = 32 // the most rows that products of few rows are for
	rowCols           = 32 // one for each of 32 threads; the other 32 fetch
	plainThreads      = 64
)

// rowsKernel is the kernel for so few rows, and how many rows a block of it has.
func rowsKernel(suffix string, rows int) (name string, high int) {
	i := 0
	for high = 1; high < rows && high < 16; high *= 2 {
		i++
	}
	return rowsNames[suffix][i], high
}

// rowsNames are the kernels of few rows, tileNames and plainNames those of tiles: written once, since decoding allocates nothing. Those of
// plainNames are the layouts': see addLayout.
var (
	rowsNames             = map[string][5]string{}
	tileNames, plainNames = map[string][2]string{}, map[string][2]string{} // of low tiles the second
	acrossNames           = [2]string{"tile_plain_across_f32", "tile_plain_across_f32_low"}
)

func init() {
	for _, s := range []string{"f32", "bf16", "f16", "bf16_rounded"} {
		tileNames[s] = [2]string{"tile_" + s, "tile_" + s + "_low"}
		for i, n := range []string{"1", "2", "4", "8", "16"} {
			names := rowsNames[s]
			names[i] = "rows_" + s + "_" + n
			rowsNames[s] = names
		}
	}
}

// Affine is dst = x Wᵀ + bias, with W (out, in).
func (d *Device) Affine(dst, x kernels.Array, w kernels.Placed, bias kernels.Buffer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.product(dst, x, w, bias, kernels.TransW)
}

// MatMul is the product that form names.
func (d *Device) MatMul(dst, x kernels.Array, w kernels.Placed, form kernels.Form) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.product(dst, x, w, kernels.Buffer{}, form)
}

// product enqueues a product. d.mu is held.
func (d *Device) product(dst, x kernels.Array, placed kernels.Placed, bias kernels.Buffer, form kernels.Form) {
	if dst.Rows == 0 || dst.Cols == 0 || d.err != nil {
		return
	}
	w := d.weightOf(placed)
	a := productArgs{bias: d.at(bias), rows: int32(dst.Rows), cols: int32(dst.Cols), wShare: 1}
	a.dst, a.dstRow = d.array(dst)
	a.x, a.xRow = d.array(x)
	rows, steps, across := x.Rows, x.Cols, form&kernels.TransX != 0
	if across {
		rows, steps = x.Cols, x.Rows
		a.xRow, a.xStep = 0, int64(x.Stride)
	}
	wCols, wSteps := w.cols, w.rows
	if form&kernels.TransW != 0 {
		wCols, wSteps = w.rows, w.cols
	}
	if rows != dst.Rows || steps != wSteps || wCols != dst.Cols || !bias.None() && bias.Len() != dst.Cols {
		d.fail(fmt.Errorf("cuda: a product of (%d, %d) by (%d, %d) cannot be (%d, %d), or its bias has not %d numbers", rows, steps, wSteps, wCols, dst.Rows, dst.Cols, dst.Cols))
		return
	}
	a.steps, a.w, a.wRow, a.panels = int32(steps), w.at, w.row, w.panels
	if max(a.xRow, a.xStep, a.wRow) > math.MaxInt32 {
		d.fail(fmt.Errorf("cuda: rows of a product are %d and %d elements apart, of which kernels count %d; compute it on the CPU", max(a.xRow, a.xStep), a.wRow, math.MaxInt32))
		return
	}
	if form&kernels.Accumulate != 0 {
		a.accumulate = 1
	}
	if across && (form&kernels.TransW != 0 || w.layout != layoutF32) {
		d.fail(fmt.Errorf("cuda: a product of a transposed left operand takes weights of float32, as they lie"))
		return
	}
	all, xNext := a, a.xRow
	if across {
		xNext = 1
	}
	for lo, n := 0, rowsAtOnce(dst.Cols, steps); lo < dst.Rows; lo += n {
		a.rows = int32(min(n, dst.Rows-lo))
		a.dst, a.x = all.dst+4*address(int64(lo)*all.dstRow), all.x+4*address(int64(lo)*xNext)
		switch {
		case across:
			d.tiles(acrossNames, a, 1)
		case form&kernels.TransW == 0:
			d.plain(a, w.exact, 1)
		case a.accumulate != 0:
			w.added(d, a, w)
		default:
			w.affine(d, a, w)
			d.left, d.preparing = d.preparing, prepared{}
		}
	}
}

// mostProducts bounds the multiply-adds of one launch, so that none takes 200 ms, after which the watchdog of a GPU with a display ends it: a
// GPU of 10 TFLOP/s, the slowest that kernels are compiled for, is done in 27 ms at its peak and in 140 ms at a fifth of it. Products are
// the only kernels that come near: attention has mostScores scores a launch, and what goes over numbers once is bound by the memory that
// they lie in. See docs/cuda.md. Tests make it smaller.
var mostProducts = 1 << 37

// rowsAtOnce is how many rows of a product one launch computes, at least a tile of them. How rows are divided changes no bit.
func rowsAtOnce(cols, steps int) int {
	return max(1, mostProducts/max(1, cols*steps)/tileSize) * tileSize
}

// byRows enqueues a batch of products with weights that are used transposed.
func (d *Device) byRows(a productArgs, suffix string, batch int) {
	if a.rows > fewRows {
		d.tiles(tileNames[suffix], a, batch)
		return
	}
	name, high := rowsKernel(suffix, int(a.rows))
	launch(d, name, [3]int{blocks(int(a.cols), rowCols), blocks(int(a.rows), high), batch}, rowThreads, a)
}

// plain enqueues a batch of products with weights that have a row for each step.
func (d *Device) plain(a productArgs, suffix string, batch int) {
	switch {
	case suffix != "f32" || a.rows > 4:
		d.tiles(plainNames[suffix], a, batch)
	case a.rows == 1:
		launch(d, "rows_plain_1", [3]int{blocks(int(a.cols), plainThreads), 1, batch}, plainThreads, a)
	default:
		launch(d, "rows_plain_4", [3]int{blocks(int(a.cols), plainThreads), 1, batch}, plainThreads, a)
	}
}

// tiles enqueues a batch of products of many rows.
func (d *Device) tiles(names [2]string, a productArgs, batch int) {
	name, rows := names[0], tileRows
	if chooseLow(int(a.rows), int(a.cols), batch, d.info.Processors) {
		name, rows = names[1], lowRows
	}
	launch(d, name, [3]int{blocks(int(a.rows), rows), blocks(int(a.cols), tileCols), batch}, tileThreads, a)
}

// chooseLow chooses the tiles of a product; tests run both.
var chooseLow = lowTiles

// lowTiles reports whether tiles of half the height are done sooner: the busiest multiprocessor has so many of the one or the other. A low
// one takes 11 twentieths of the time of a high one, by their instructions. Which it is changes no bit.
func lowTiles(rows, cols, batch, processors int) bool {
	busiest := func(height int) int {
		return blocks(blocks(rows, height)*blocks(cols, tileCols)*batch, max(1, processors))
	}
	return 11*busiest(lowRows) < 20*busiest(tileRows)
}

// roundingArgs is struct Rounding of the kernels.
type roundingArgs struct {
	dst, x       address
	dstRow, xRow int64
	rows, cols   int32
}

// round is the left operand of a product of bfloat16, rounded, in scratch memory and dense.
func (d *Device) round(a productArgs) address {
	to := d.grow(scratchRounded, 4*int(a.rows)*int(a.steps))
	d.prepare(prepared{by: "round_activations", to: to, x: a.x, row: a.xRow, rows: a.rows, steps: a.steps}, func() {
		launch(d, "round_activations", flat(int(a.rows)*int(a.steps)), flatThreads, roundingArgs{dst: to, x: a.x, dstRow: int64(a.steps), xRow: a.xRow, rows: a.rows, cols: a.steps})
	})
	return to
}
