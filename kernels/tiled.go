package kernels

// The parts of tiled attention: see package gemm's file of that name.

// PanelCols is how many columns a panel has: a multiple of 16.
func (e *Engine) PanelCols() int { return e.exact.PanelCols() }

// TileRows is how many rows a product with Tiles of so many rows writes: whole tiles.
func (e *Engine) TileRows(rows int) int { return e.exact.TileRows(rows) }

// PackTiles packs x, (rows, k), into data, whose length is TileRows(rows)*k.
func (e *Engine) PackTiles(data []float32, x View) Tiles {
	return e.exact.PackTiles(data, x)
}

// PackPanel lays the rows of x, (columns, k) with a column stride of 1, side by side: panel[i*PanelCols()+c] = x[c][i], and 0
// beyond the last row.
func (e *Engine) PackPanel(panel []float32, x View) {
	e.exact.PackPanel(panel, x)
}

// UnpackPanel is the inverse of PackPanel: x[c][i] = panel[i*PanelCols()+c], for the rows that x has.
func (e *Engine) UnpackPanel(x View, panel []float32) {
	e.exact.UnpackPanel(x, panel)
}

// MulPanel computes dst[r*PanelCols()+c] = sum over i below steps of x[r][i]*panel[i*PanelCols()+c] by law 1, from +0, or from
// dst if accumulate is set. x is what t holds. It writes all TileRows(rows) rows of dst: those beyond the rows of x are undefined.
func (e *Engine) MulPanel(dst []float32, t Tiles, rows, steps int, panel []float32, accumulate bool) {
	e.exact.MulPanel(dst, t, rows, steps, panel, accumulate)
}

// SoftmaxColumns multiplies the panel x by scale and replaces each of its columns by its softmax, the bits of [vec.Scale] and [vec.Softmax].
func (e *Engine) SoftmaxColumns(x []float32, scale float32) {
	e.functions.SoftmaxColumns(x, e.exact.PanelCols(), scale)
}
