package kernels

import (
	"math"
	"slices"
	"sync"
)

// Products and softmax of a panel, which is as many columns side by side as a path's tiles have. Attention is two products, one after
// the other: the result of the first is a panel, and the second takes it as it is, so nothing is packed in between.

// maxPanelCols is the most columns that a path's panels have.
const maxPanelCols = 32

// Tiles is the left operand x, (rows, k), of products with panels, packed once for all of them.
type Tiles struct {
	tiles, k int
	data     []float32
}

// PanelCols is how many columns a panel has: a multiple of 16.
func (e *Engine) PanelCols() int { return e.path.nr }

// TileRows is how many rows a product with Tiles of so many rows writes: whole tiles.
func (e *Engine) TileRows(rows int) int { return e.path.tiles(rows) * e.path.mr }

// PackTiles packs x, (rows, k), into data, whose length is TileRows(rows)*k.
func (e *Engine) PackTiles(data []float32, x View) Tiles {
	t := Tiles{tiles: e.path.tiles(x.Rows), k: x.Cols, data: data}
	if !e.idle {
		e.path.packTiles(data, x, 0, t.tiles)
	}
	return t
}

// PackPanel lays the rows of x, (columns, k) with a column stride of 1, side by side: panel[i*PanelCols()+c] = x[c][i], and 0
// beyond the last row.
func (e *Engine) PackPanel(panel []float32, x View) {
	if e.idle {
		return
	}
	if x.Rows < e.path.nr {
		clear(panel[:x.Cols*e.path.nr])
	}
	e.path.pack(panel, e.path.nr, Matrix{Layout: F32, F32: x.Data, Rows: x.Rows, Cols: x.Cols, Stride: x.RowStride}, 0, x.Rows, 0, x.Cols)
}

// UnpackPanel is the inverse of PackPanel: x[c][i] = panel[i*PanelCols()+c], for the rows that x has.
func (e *Engine) UnpackPanel(x View, panel []float32) {
	if e.idle || x.Rows == 0 || x.Cols == 0 {
		return
	}
	nr := e.path.nr
	e.path.pack(x.Data, x.RowStride, Matrix{Layout: F32, F32: panel, Rows: x.Cols, Cols: nr, Stride: nr}, 0, x.Cols, 0, x.Rows)
}

// MulPanel computes dst[r*PanelCols()+c] = sum over i below steps of x[r][i]*panel[i*PanelCols()+c] by law 1, from +0, or from
// dst if accumulate is set. x is what t holds. It writes all TileRows(rows) rows of dst: those beyond the rows of x are undefined.
func (e *Engine) MulPanel(dst []float32, t Tiles, rows, steps int, panel []float32, accumulate bool) {
	if e.idle || rows == 0 {
		return
	}
	p := e.path
	if steps == 0 {
		if !accumulate {
			clear(dst[:e.TileRows(rows)*p.nr])
		}
		return
	}
	_, _ = dst[e.TileRows(rows)*p.nr-1], panel[steps*p.nr-1]
	acc := 0
	if accumulate {
		acc = 1
	}
	part := tileSteps(t.k)
	for k0 := 0; k0 < steps; k0 += part {
		packed := min(part, t.k-k0)
		n := min(packed, steps-k0)
		for r := 0; r < rows; r += p.mr {
			x := t.data[(k0*t.tiles+r/p.mr*packed)*p.mr:]
			tile, _ := p.lowTile(rows - r)
			tile(n, &x[0], &panel[k0*p.nr], &dst[r*p.nr], p.nr, acc)
		}
		acc = 1
	}
}

// columnLanes are the lanes of a panel's columns: 16 numbers of each, those of all columns side by side.
type columnLanes struct{ tops, sums [16 * maxPanelCols]float32 }

var columnLanesPool = sync.Pool{New: func() any { return new(columnLanes) }}

// SoftmaxColumns multiplies the panel x by scale and replaces each of its columns by its softmax, the bits of [Scale] and [Softmax].
func (e *Engine) SoftmaxColumns(x []float32, scale float32) {
	if e.idle || len(x) == 0 {
		return
	}
	nr := e.path.nr
	l := columnLanesPool.Get().(*columnLanes)
	defer columnLanesPool.Put(l)
	tops, sums := l.tops[:16*nr], l.sums[:16*nr]
	for i := range tops {
		tops[i] = float32(math.Inf(-1))
	}
	for part := range slices.Chunk(x, len(tops)) {
		e.scaleMaximum(part, scale, tops)
	}
	for n := len(tops) / 2; n >= nr; n /= 2 {
		e.scaleMaximum(tops[n:2*n], 1, tops)
	}
	repeat(tops, nr)
	clear(sums)
	for part := range slices.Chunk(x, len(sums)) {
		e.exponentsOf(part, tops, sums)
	}
	for n := len(sums) / 2; n >= nr; n /= 2 { // as lanes.total does
		e.Add(sums[:n], sums[:n], sums[n:2*n])
	}
	repeat(sums, nr)
	for part := range slices.Chunk(x, len(sums)) {
		e.quotients(part, sums)
	}
}

// repeat fills x with copies of its first n numbers.
func repeat(x []float32, n int) {
	for at := n; at < len(x); at += n {
		copy(x[at:], x[:n])
	}
}

// scaleMaximum is [scaleMaximum] by the engine's kernels, the same bits.
func (e *Engine) scaleMaximum(x []float32, s float32, tops []float32) {
	n := e.whole(len(x))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		w.a = s
		e.path.vec.scaleMaximum(n/width, &x[0], &w.a, &tops[:n][0])
		scalarsPool.Put(w)
	}
	scaleMaximum(x[n:], s, tops[n:])
}

// scaleMaximum sets x to x * s, and tops to the larger of tops and the new x. NaN is never the larger.
func scaleMaximum(x []float32, s float32, tops []float32) {
	for i := range x {
		x[i] *= s
		if x[i] > tops[i] {
			tops[i] = x[i]
		}
	}
}

// exponentsOf is [exponentsOf] by the engine's kernels, the same bits.
func (e *Engine) exponentsOf(x, tops, sums []float32) {
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.exponentsOf(n/width, &x[0], &tops[:n][0], &sums[:n][0])
	}
	exponentsOf(x[n:], tops[n:], sums[n:])
}

// exponentsOf sets x to e^(x - tops) and adds that to sums.
func exponentsOf(x, tops, sums []float32) {
	for i := range x {
		x[i] = Exp(x[i] - tops[i])
		sums[i] += x[i]
	}
}

// quotients is [quotients] by the engine's kernels, the same bits.
func (e *Engine) quotients(x, y []float32) {
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.quotients(n/width, &x[0], &y[:n][0])
	}
	quotients(x[n:], y[n:])
}

// quotients sets x to x / y.
func quotients(x, y []float32) {
	for i := range x {
		x[i] /= y[i]
	}
}
