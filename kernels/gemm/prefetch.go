package gemm

import "unsafe"

// PackingTile is a TileFunc that also packs weights: see tile12x32PackingBF16AVX512. It packs blocks times packedSteps steps of a panel
// into to. k must be long enough for them.
type PackingTile func(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int)

// packedSteps is how many steps of a panel a PackingTile packs of a row at once.
const packedSteps = 16

// nextPanel is the stage that a product computes next. Tiles of the current stage pack it on the side. Where no tile can do that, or there are
// too few tiles, each tile prefetches a few of its rows instead. Prefetching all rows at once would delay the packing of the current stage,
// which reads memory too.
type nextPanel struct {
	ks      *Kernels
	w       operand
	r, rows int // rows that are not prefetched yet
	c, cols int // their elements
	each    int // rows that a tile prefetches

	stage
	packs  PackingTile // nil: it is not packed on the side
	spare  []float32   // where it goes
	ready  int         // steps that will be packed on the side: whole blocks
	packed int         // steps that are packed already
	blocks int         // how many blocks of packedSteps a tile packs
}

// farAhead is how many bytes before their use a PackingTile prefetches the weights that it packs, rounded up to lines.
const farAhead = 192

// nextPanel prepares the stage after, which follows the stage now and is packed into spare. The last stage of a product has none after it:
// which panels a goroutine gets next depends on the others.
func (ks *Kernels) nextPanel(q *product, now, after stage, spare []float32) nextPanel {
	dst, w := q.dst, &q.w
	c, cols := after.first*ks.NR, min(after.panels*ks.NR, dst.Cols-after.first*ks.NR)
	if ks.Prefetch == nil || w.by == nil || q.form&TransW == 0 || cols <= 0 {
		return nextPanel{}
	}
	per := ks.PerElement
	u := nextPanel{ks: ks, w: *w, stage: after, r: c, rows: cols, c: after.k * per, cols: min(after.steps*per, w.Cols-after.k*per)}
	if after.panels == 1 && cols == ks.NR && u.packsAside(now, dst.Rows/ks.MR*now.panels) {
		u.packs, u.spare = w.by.Packing, spare
		// The tile prefetches along a row, and past its end the wrong memory: the beginnings of the next panel's rows are prefetched here.
		u.r, u.rows, u.c, u.cols = c+cols, 0, q.from*per, min(farAhead/w.elements.Size, w.Cols-q.from*per)
		if after.k+after.steps == q.to {
			u.rows = max(min(cols, dst.Cols-u.r), 0)
		}
	}
	tiles := ks.tiles(dst.Rows) * now.panels
	u.each = (u.rows + tiles - 1) / tiles
	return u
}

// packsAside chooses how much a tile packs. It reports whether so many whole tiles of the stage now are enough to pack all of u.
func (u *nextPanel) packsAside(now stage, tiles int) bool {
	if u.w.by.Packing == nil {
		return false
	}
	u.ready, u.blocks = u.cols/u.ks.PerElement/packedSteps*packedSteps, (now.steps/4-u.ks.MR)/u.ks.NR
	return u.blocks > 0 && tiles*u.blocks*packedSteps >= u.ready
}

// prefetch prefetches the next few rows.
func (u *nextPanel) prefetch() {
	for n := min(u.each, u.rows); n > 0; n-- {
		u.ks.Prefetch((u.cols*u.w.elements.Size+63)/64, u.w.elements.At(u.r, u.c))
		u.r++
		u.rows--
	}
}

// pack computes a whole tile and packs the next blocks beside it. Where nothing is left to pack, it does nothing and returns false.
func (u *nextPanel) pack(k int, x, w, dst *float32, stride, accumulate int) bool {
	if u.packs == nil || u.packed == u.ready {
		return false
	}
	nr, per := u.ks.NR, u.ks.PerElement
	blocks := min(u.blocks, (u.ready-u.packed)/packedSteps)
	r, c, n := u.first*nr, (u.k+u.packed)*per, blocks*packedSteps
	to := u.spare[u.packed*nr:][:n*nr]
	_ = u.w.elements.At(r+nr-1, c+n*per-1) // the last that is read
	u.packs(k, x, w, dst, stride, accumulate, u.w.elements.At(r, c), u.w.Stride, &to[0], blocks)
	u.packed += n
	return true
}
