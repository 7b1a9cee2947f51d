//go:build cuda && linux && cgo

package cuda

// quantizingArgs is struct Quantizing of the kernels.
type quantizingArgs struct {
	x, q, scale, sum         address
	xRow                     int64
	rows, cols, blocks, span int32
}

// quantizedArgs is struct Quantized of the kernels.
type quantizedArgs struct {
	dst, q, scale, sum, bias address
	panels                   panelsArgs
	dstRow                   int64
	rows, cols               int32
}

const (
	quantizingThreads    = 128 // of which 32 have a span
	spanThreads          = 256
	quantizedTileThreads = 256
	panelCols            = 32
	leastTiled           = 17 // rows from which on tensor cores multiply: until then as many blocks as there are panels read the weights sooner
)

// quantizedNames are the kernels by layout, for one row, four, eight, and more.
var quantizedNames = map[string][4]string{}

func init() {
	for _, s := range []string{"int8", "int8_short", "int4", "int4_zeros", "int4_zeros_short"} {
		quantizedNames[s] = [4]string{"rows_" + s + "_1", "rows_" + s + "_4", "rows_" + s + "_8", "tile_" + s}
	}
}

// quantizedProduct enqueues a product with quantized weights: first the rows of x become bytes. d.mu is held.
func (d *Device) quantizedProduct(a productArgs, w weight) {
	rows, n := int(a.rows), int(w.panels.blocks)
	spans := blocks(n, w.span)
	q := quantizingArgs{x: a.x, xRow: a.xRow, rows: a.rows, cols: a.steps, blocks: w.panels.blocks, span: int32(w.span)}
	q.q = d.grow(scratchQuantized, rows*(n*blockSteps+4*spans+4*n))
	q.scale = q.q + address(rows*n*blockSteps)
	q.sum = q.scale + address(4*rows*spans)
	d.prepare(prepared{by: "quantize_rows", to: q.q, x: a.x, row: a.xRow, rows: a.rows, steps: a.steps, span: q.span}, func() {
		launch(d, "quantize_rows", [3]int{blocks(rows*spans, quantizingThreads/32), 1, 1}, quantizingThreads, q)
	})
	args := quantizedArgs{dst: a.dst, q: q.q, scale: q.scale, sum: q.sum, bias: a.bias, panels: w.panels, dstRow: a.dstRow, rows: a.rows, cols: a.cols}
	name := w.exact
	if w.span == 1 {
		name = shortNames[name]
	}
	names, panels := quantizedNames[name], blocks(int(a.cols), panelCols)
	switch {
	case rows >= leastTiled:
		launch(d, names[3], [3]int{blocks(rows, tileSize), blocks(int(a.cols), tileSize), 1}, quantizedTileThreads, args)
	case rows == 1:
		launch(d, names[0], [3]int{panels, 1, 1}, spanThreads, args)
	case rows <= 4:
		launch(d, names[1], [3]int{panels, 1, 1}, spanThreads, args)
	default:
		launch(d, names[2], [3]int{panels, blocks(rows, 8), 1}, spanThreads, args)
	}
}

// shortNames are layouts whose spans are of one block.
var shortNames = map[string]string{"int8": "int8_short", "int4_zeros": "int4_zeros_short"}
