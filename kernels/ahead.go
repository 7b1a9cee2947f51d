package kernels

import "unsafe"

// prefetchFunc asks for lines of 64 bytes from p on: a hint.
type prefetchFunc func(lines int, p unsafe.Pointer)

// packingTile is a tileFunc that packs weights on the side: see tile12x32PackingBF16AVX512.
type packingTile func(k int, x, w, dst *float32, stride int, accumulate int, aside *aside)

// aside is what a packingTile packs. The routines know its layout.
type aside struct {
	from   unsafe.Pointer // the first row's next steps
	stride int            // bytes from a row of weights to the next
	to     *float32       // where they go in the panel
	blocks int            // of so many steps of every row as the tile packs at once
}

// packingTiles are those of a path by kind of weights, nil for none, and how many steps of the panel a block is.
type packingTiles struct {
	tiles [3]packingTile
	steps int
}

// upcoming is the stage that a product packs next. The tiles of the stage before it pack it on the side; where there is no tile for
// that, or not enough of them, they ask for it, a few rows with each tile: asked for all at once, while the stage before it is packed,
// the memory would keep that waiting.
type upcoming struct {
	p       *path
	w       Matrix
	r, rows int // rows that are not asked for yet
	c, cols int // their elements
	each    int // rows with each tile

	packs  packingTile // nil: it is not packed on the side
	panel  []float32   // where it goes
	first  int         // its first row
	k      int         // its first step
	steps  int         // that are packed on the side: whole blocks
	packed int         // that are packed
	blocks int         // that a tile packs
	aside  *aside
}

// farAhead is how many bytes of a row a packingTile asks for before it packs them, rounded up to lines.
const farAhead = 192

// upcoming is the stage that comes after the stage now, whose panels meet tiles of x.
func (p *path) upcoming(w Matrix, transW bool, now, after stage, dst View, spare []float32, a *aside) upcoming {
	c, cols := after.first*p.nr, min(after.panels*p.nr, dst.Cols-after.first*p.nr)
	if p.prefetch == nil || !transW || cols <= 0 {
		return upcoming{}
	}
	per := max(p.steps, 1) // elements of a step
	u := upcoming{p: p, w: w, r: c, rows: cols, c: after.k * per, cols: min(after.steps*per, w.Cols-after.k*per)}
	if whole := dst.Rows / p.mr * now.panels; w.Kind < Quantised && p.packing.tiles[w.Kind] != nil && after.panels == 1 && cols == p.nr {
		u.blocks = (now.steps/4 - p.mr) / p.nr
		if steps := u.cols / per / p.packing.steps * p.packing.steps; u.blocks > 0 && whole*u.blocks*p.packing.steps >= steps {
			u.packs, u.panel, u.first, u.k, u.steps, u.aside = p.packing.tiles[w.Kind], spare, c, after.k, steps, a
			// A row's end is not followed by what is packed then: the beginnings of the next panel's rows.
			u.r, u.rows, u.c, u.cols = c+p.nr, 0, 0, min(farAhead/w.Kind.size(), w.Cols)
			if (after.k+after.steps)*per >= w.Cols {
				u.rows = max(min(p.nr, dst.Cols-u.r), 0)
			}
		}
	}
	tiles := p.tiles(dst.Rows) * now.panels
	u.each = (u.rows + tiles - 1) / tiles
	return u
}

// ask asks for the next few rows.
func (u *upcoming) ask() {
	for n := min(u.each, u.rows); n > 0; n-- {
		u.p.prefetch((u.cols*u.w.Kind.size()+63)/64, u.w.at(u.r, u.c))
		u.r++
		u.rows--
	}
}

// tile is the tile of a product that packs the next blocks on the side, or nil where there is nothing to pack any more.
func (u *upcoming) tile() packingTile {
	if u.packed == u.steps {
		return nil
	}
	size, per := u.p.packing.steps, max(u.p.steps, 1)
	blocks := min(u.blocks, (u.steps-u.packed)/size)
	at, n := (u.k+u.packed)*per, blocks*size
	_, _ = u.w.at(u.first+u.p.nr-1, at+n*per-1), u.panel[(u.packed+n)*u.p.nr-1] // the last that are read and written
	*u.aside = aside{from: u.w.at(u.first, at), stride: u.w.Stride * u.w.Kind.size(), to: &u.panel[u.packed*u.p.nr], blocks: blocks}
	u.packed += n
	return u.packs
}
