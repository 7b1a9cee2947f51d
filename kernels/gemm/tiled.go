package gemm

// Products of panels, which are as many columns side by side as a tile has. Attention is two products, one after the other. The result of the
// first is a panel, and the second takes it as it is: nothing is packed in between.

// Tiles is the left operand x, (rows, k), of products with panels, packed once for all of them.
type Tiles struct {
	tiles, k int
	data     []float32
}

// PanelCols is how many columns a panel has: a multiple of 16.
func (m *Multiplier) PanelCols() int { return m.ks.NR }

// TileRows is how many rows a product with Tiles of so many rows writes: whole tiles.
func (m *Multiplier) TileRows(rows int) int { return m.ks.tiles(rows) * m.ks.MR }

// PackTiles packs x, (rows, k), into data, whose length is TileRows(rows)*k.
func (m *Multiplier) PackTiles(data []float32, x View) Tiles {
	t := Tiles{tiles: m.ks.tiles(x.Rows), k: x.Cols, data: data}
	m.ks.packTiles(data, x, 0, t.tiles)
	return t
}

// PackPanel lays the rows of x, (columns, k) with a column stride of 1, side by side: panel[i*PanelCols()+c] = x[c][i], and 0
// beyond the last row.
func (m *Multiplier) PackPanel(panel []float32, x View) {
	if x.Rows < m.ks.NR {
		clear(panel[:x.Cols*m.ks.NR])
	}
	m.ks.packF32(panel, m.ks.NR, Matrix{Layout: F32, F32: x.Data, Rows: x.Rows, Cols: x.Cols, Stride: x.RowStride}, 0, x.Rows, 0, x.Cols)
}

// UnpackPanel is the inverse of PackPanel: x[c][i] = panel[i*PanelCols()+c], for the rows that x has.
func (m *Multiplier) UnpackPanel(x View, panel []float32) {
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	nr := m.ks.NR
	m.ks.packF32(x.Data, x.RowStride, Matrix{Layout: F32, F32: panel, Rows: x.Cols, Cols: nr, Stride: nr}, 0, x.Cols, 0, x.Rows)
}

// MulPanel computes dst[r*PanelCols()+c] = sum over i below steps of x[r][i]*panel[i*PanelCols()+c] by law 1, from +0, or from
// dst if accumulate is set. x is what t holds. It writes all TileRows(rows) rows of dst: those beyond the rows of x are undefined.
func (m *Multiplier) MulPanel(dst []float32, t Tiles, rows, steps int, panel []float32, accumulate bool) {
	if rows == 0 {
		return
	}
	ks := m.ks
	if steps == 0 {
		if !accumulate {
			clear(dst[:m.TileRows(rows)*ks.NR])
		}
		return
	}
	_, _ = dst[m.TileRows(rows)*ks.NR-1], panel[steps*ks.NR-1]
	acc := 0
	if accumulate {
		acc = 1
	}
	kc := kcFor(t.k)
	for k0 := 0; k0 < steps; k0 += kc {
		packed := min(kc, t.k-k0)
		n := min(packed, steps-k0)
		for r := 0; r < rows; r += ks.MR {
			x := t.data[(k0*t.tiles+r/ks.MR*packed)*ks.MR:]
			tile, _ := ks.lowTile(rows - r)
			tile(n, &x[0], &panel[k0*ks.NR], &dst[r*ks.NR], ks.NR, acc)
		}
		acc = 1
	}
}
