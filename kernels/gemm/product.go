package gemm

// product is a product over steps [from, to): dst = x w, or dst += x w if the form accumulates, and then dst += bias, unless it is nil.
type product struct {
	dst      View
	x        []float32 // steps [from, to), packed
	w        operand
	form     Form
	from, to int
	bias     []float32
}

// compute computes the column panels [lo, hi), blocked for the caches (Goto and van de Geijn, Anatomy of High-Performance Matrix
// Multiplication). A group of panels and a block of rows fit into the second-level cache together. Within them, one panel stays in
// the first-level cache and is multiplied with one tile of x after the other.
func (q *product) compute(ks *Kernels, s *Scratch, lo, hi int) {
	dst := q.dst
	if q.from == q.to {
		if q.form&Accumulate == 0 {
			dst.Clear(lo*ks.NR, min(hi*ks.NR, dst.Cols))
		}
		ks.AddBias(dst, q.bias, 0, dst.Rows, lo*ks.NR, min(hi*ks.NR, dst.Cols))
		return
	}
	group, block := groupCols/ks.NR, groupRows/ks.MR*ks.MR
	panels, spare, edge := Grow(&s.panels, group*maxKC*ks.NR), Grow(&s.spare, maxKC*ks.NR), Grow(&s.edge, ks.MR*ks.NR)
	tiles, ready, blank := ks.tiles(dst.Rows), 0, false
	steps := kcFor(q.to - q.from)
	for now := (stage{lo, min(group, hi-lo), q.from, min(steps, q.to-q.from)}); now.panels > 0; {
		q.packStage(ks, s, panels, now, ready)
		after := now.after(q, steps, group, hi)
		next := ks.nextPanel(q, now, after, spare)
		if next.packs != nil && !blank {
			clear(spare) // a packing tile writes the upper halves of its elements only; in a panel that it leaves behind the lower ones are 0 as well
			blank = true
		}
		x := q.x[(now.k-q.from)*tiles*ks.MR:]
		acc := q.form.from()
		if now.k > q.from {
			acc = 1
		}
		last := now.k+now.steps == q.to
		for r0 := 0; r0 < dst.Rows; r0 += block {
			for j := range now.panels {
				c := (now.first + j) * ks.NR
				panel, cols := panels[j*now.steps*ks.NR:], min(ks.NR, dst.Cols-c)
				for r := r0; r < min(r0+block, dst.Rows); r += ks.MR {
					next.prefetch()
					ks.oneTile(dst, x[r*now.steps:], panel, edge, r, c, cols, now.steps, acc, &next)
					if last {
						ks.AddBias(dst, q.bias, r, min(r+ks.MR, dst.Rows), c, c+cols) // while it lies in the first-level cache
					}
				}
			}
		}
		if ready = 0; next.packs != nil {
			ready, panels, spare = next.ready, spare, panels
		}
		now = after
	}
}

// stage is the weights that a product packs together and then multiplies: steps [k, k+steps) of so many panels, from the first on.
type stage struct{ first, panels, k, steps int }

// after is the stage that follows in a product of panels up to hi: the next steps of the same panels, or the first ones of the next
// group. It has no panels where there is none.
func (s stage) after(q *product, steps, group, hi int) stage {
	if s.k += s.steps; s.k == q.to {
		s.first, s.k = s.first+s.panels, q.from
		s.panels = min(group, hi-s.first)
	}
	s.steps = min(steps, q.to-s.k)
	return s
}

// packStage packs a stage of the weights, one panel after the other. Its first ready steps are packed already.
func (q *product) packStage(ks *Kernels, s *Scratch, panels []float32, now stage, ready int) {
	if ready == now.steps {
		return
	}
	for j := range now.panels {
		c := (now.first + j) * ks.NR
		ks.packPanel(s, panels[(j*now.steps+ready)*ks.NR:], &q.w, q.form, c, min(ks.NR, q.dst.Cols-c), now.k+ready, now.steps-ready)
	}
}

// oneTile computes rows [r, r+mr) of a panel: from +0, or from dst if acc is not 0. A tile that reaches beyond the edge of dst is
// computed in edge and copied. A whole tile also packs some of the next panel.
func (ks *Kernels) oneTile(dst View, x, panel, edge []float32, r, c, cols, kc, acc int, next *nextPanel) {
	rows := min(ks.MR, dst.Rows-r)
	if rows == ks.MR && cols == ks.NR {
		if !next.pack(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc) {
			ks.Tile(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc)
		}
		return
	}
	tile, high := ks.lowTile(rows)
	wide := ks.NR
	if ks.Half != nil && cols <= ks.NR/2 {
		tile, high, wide = ks.Half, ks.MR, ks.NR/2
	}
	if rows == high && cols == wide {
		tile(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc)
		return
	}
	part := dst.Part(r, rows, c, cols)
	if acc != 0 {
		part.ToEdge(edge, ks.NR)
	}
	tile(kc, &x[0], &panel[0], &edge[0], ks.NR, acc)
	part.FromEdge(edge, ks.NR)
}

// lowTile is the tile that computes so many rows, and as few more as there are, and how many it computes.
func (ks *Kernels) lowTile(rows int) (tile TileFunc, high int) {
	if third := (rows*3 + ks.MR - 1) / ks.MR; third < 3 && ks.Low[third-1] != nil {
		return ks.Low[third-1], third * ks.MR / 3
	}
	return ks.Tile, ks.MR
}
