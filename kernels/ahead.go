package kernels

import "unsafe"

// prefetchFunc asks for lines of 64 bytes from p on: a hint.
type prefetchFunc func(lines int, p unsafe.Pointer)

// upcoming is the part of the weights that a product packs next. It is asked for a few rows with each tile: asked for all at
// once, while the part before it is packed, the memory would keep that waiting.
type upcoming struct {
	w       Matrix
	r, rows int // rows that are not asked for yet
	c, cols int
	each    int // rows with each tile
}

// upcoming is the part of w, whose rows are columns of the product, after steps [k0, k0+kc) of columns [c, c+cols): the same
// columns' next steps, or the first ones of the columns after them, up to end. tiles is how many tiles are computed before.
func (p *path) upcoming(w Matrix, transW bool, c, cols, end, k0, kc, k, tiles int) upcoming {
	if p.prefetch == nil || !transW {
		return upcoming{}
	}
	if k0+kc < k {
		k0 += kc
	} else {
		c, k0 = c+cols, 0
	}
	if cols = min(cols, end-c); cols <= 0 {
		return upcoming{}
	}
	steps := max(p.steps, 1)
	return upcoming{w: w, r: c, rows: cols, c: k0 * steps, cols: min(kBlock*steps, w.Cols-k0*steps), each: (cols + tiles - 1) / tiles}
}

// ask asks for the next few rows.
func (u *upcoming) ask(p *path) {
	for n := min(u.each, u.rows); n > 0; n-- {
		p.prefetch((u.cols*u.w.Kind.size()+63)/64, u.w.at(u.r, u.c))
		u.r++
		u.rows--
	}
}
