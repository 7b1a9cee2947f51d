package kernels

// Products and softmax of a panel, which is as many columns side by side as a path's tiles have. Attention is two products, one after
// the other: the result of the first is a panel, and the second takes it as it is, so nothing is packed in between.

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
	e.path.packF32(panel, e.path.nr, Matrix{Layout: F32, F32: x.Data, Rows: x.Rows, Cols: x.Cols, Stride: x.RowStride}, 0, x.Rows, 0, x.Cols)
}

// UnpackPanel is the inverse of PackPanel: x[c][i] = panel[i*PanelCols()+c], for the rows that x has.
func (e *Engine) UnpackPanel(x View, panel []float32) {
	if e.idle || x.Rows == 0 || x.Cols == 0 {
		return
	}
	nr := e.path.nr
	e.path.packF32(x.Data, x.RowStride, Matrix{Layout: F32, F32: panel, Rows: x.Cols, Cols: nr, Stride: nr}, 0, x.Cols, 0, x.Rows)
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

// SoftmaxColumns multiplies the panel x by scale and replaces each of its columns by its softmax, the bits of [vec.Scale] and [vec.Softmax].
func (e *Engine) SoftmaxColumns(x []float32, scale float32) {
	if !e.idle {
		e.functions.SoftmaxColumns(x, e.path.nr, scale)
	}
}
