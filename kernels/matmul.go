package kernels

import "unsafe"

// kBlock is the most steps of k that a tile computes at a time (kc in BLIS). Longer blocks load and store the accumulators less
// often. A product over more steps goes on from what dst holds, which is exact.
const kBlock = 512

// tileSteps is how many steps a tile computes at a time in a product over k. All blocks have about the same length: during a short
// one there would be no time to pack the weights of the next.
func tileSteps(k int) int { return evenParts(k, kBlock, 16) }

// Blocking for the second-level cache: groupCols columns of packed weights, 2 kB each, are multiplied with groupRows rows of x
// before the next columns are packed.
const (
	groupCols = 32
	groupRows = 192
)

// Scratch is the working memory of a product on one goroutine.
type Scratch struct {
	panels []float32 // a group of panels of w: kBlock x nr each
	spare  []float32 // the panel of w that comes next, while it is packed on the side
	x      []float32 // x, packed in tiles of mr rows
	rows   []float32 // a panel of w, dequantized row by row, before it is packed
	edge   []float32 // a tile that is cut by the edge of dst
	row    []xBlock  // a row of x, quantized
}

// NewScratch is an empty scratch, which grows as it is used.
func NewScratch() *Scratch { return &Scratch{} }

// Bytes is the memory that the scratch has grown to.
func (s *Scratch) Bytes() int {
	return 4*(cap(s.panels)+cap(s.spare)+cap(s.x)+cap(s.rows)+cap(s.edge)) + int(unsafe.Sizeof(xBlock{}))*cap(s.row)
}

func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	return (*s)[:n]
}

// Form says which product a MatMul computes: Plain, or a sum of the others.
type Form uint8

// The parts of a Form.
const (
	Plain      Form = 0      // dst = x W, as with the values of attention
	TransW     Form = 1 << 0 // W is used transposed, as a torch.nn.Linear's weight, (out, in), or the keys of attention
	Accumulate Form = 1 << 1 // the product is added to dst
	TransX     Form = 1 << 2 // of a [Device]: x is used transposed, as the gradient of a weight has it
)

// MatMul computes dst[r][c] = sum over k of x[r][k]*w(k, c), by law 1: acc = fma(x[r][k], w(k, c), acc) for k ascending,
// from +0, or from dst with Accumulate. w(k, c) is W[c][k] with TransW, else W[k][c]. dst must have a column stride of 1 and
// may not overlap x.
//
// With TransW, the layouts BF16Products and [Panels] have an arithmetic of their own, which is law 1 within its mode: see matMulRounded and
// matMulQuantized. The elements of a row of x must then lie side by side, and there is no Accumulate. Without TransW, in a backward, such a
// matrix stands for the float32 numbers that it holds.
func (e *Engine) MatMul(dst, x View, w Matrix, form Form) {
	switch {
	case e.idle:
	case form == TransW:
		affines[w.Arithmetic()](e, dst, x, w, nil)
	default:
		e.matMul(e.path, dst, x, w, form, nil)
	}
}

// Affine is MatMul with TransW, and then bias added to every row of dst: the same bits, but that dst is added to while it lies in
// the cache. bias is nil for none.
func (e *Engine) Affine(dst, x View, w Matrix, bias []float32) {
	if !e.idle {
		affines[w.Arithmetic()](e, dst, x, w, bias)
	}
}

// affines are Affine in each arithmetic.
var affines = [arithmetics]func(e *Engine, dst, x View, w Matrix, bias []float32){
	ArithmeticExact: (*Engine).matMulExact, ArithmeticBF16: (*Engine).matMulRounded, ArithmeticInt8: (*Engine).matMulQuantized,
}

func (e *Engine) matMulExact(dst, x View, w Matrix, bias []float32) {
	e.matMul(e.path, dst, x, w, TransW, bias)
}

// from is what routines are told: 1 to go on from what dst holds, 0 to begin with +0.
func (f Form) from() int { return int(f&Accumulate) / int(Accumulate) }

// matMul is MatMul of law 1, or Affine, by the kernels of p.
func (e *Engine) matMul(p *path, dst, x View, m Matrix, form Form, bias []float32) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	w := p.operand(m)
	done := p.stripped(dst, x, &w, form)
	// One piece for each thread: a strip prefetches the next one, and at the end of a piece that is wasted.
	strips := done / stripCols
	if strips > 0 {
		j := e.stripJobs.Get().(*stripJob)
		j.e, j.stripProduct = e, stripProduct{p: p, dst: dst, x: x, w: w, form: form, low: j.low}
		j.pad(j.low)
		e.For(strips, (strips+e.Threads()-1)/e.Threads(), j.run)
		e.stripJobs.Put(j)
		p.addBias(dst, bias, 0, dst.Rows, 0, done)
	}
	if done < dst.Cols {
		e.byPanels(p, product{dst: dst, w: w, form: form, bias: bias}, x, done)
	}
}

// addBias adds bias, unless it is nil, to columns [lo, hi) of rows [first, end) of dst.
func (p *path) addBias(dst View, bias []float32, first, end, lo, hi int) {
	if bias == nil || first == end || lo == hi {
		return
	}
	bias = bias[lo:hi]
	if cols := hi - lo; p.addRows != nil && cols%16 == 0 {
		rows := dst.Data[first*dst.RowStride+lo:][:(end-first-1)*dst.RowStride+cols]
		p.addRows(end-first, cols/16, &rows[0], dst.RowStride, &bias[0])
		return
	}
	for r := first; r < end; r++ {
		row := dst.Data[r*dst.RowStride+lo : r*dst.RowStride+hi]
		p.vec.Add(row, row, bias)
	}
}

// tiles is how many tiles so many rows are.
func (p *path) tiles(rows int) int { return (rows + p.mr - 1) / p.mr }

// byPanels computes the columns of all, the product with x, from done on, a part of x after the other.
func (e *Engine) byPanels(p *path, all product, x View, done int) {
	buf := e.packed.Get().(*[]float32)
	defer e.packed.Put(buf)
	rows, steps := e.left.of(p.mr, all.dst.Rows, x.Cols)
	for r := 0; r < all.dst.Rows; r += rows {
		for k := 0; k == 0 || k < x.Cols; k += steps {
			q := all
			q.dst, q.from, q.to = all.dst.part(r, min(rows, all.dst.Rows-r), 0, all.dst.Cols), k, min(k+steps, x.Cols)
			if k > 0 {
				q.form |= Accumulate
			}
			if q.to < x.Cols {
				q.bias = nil
			}
			e.partByPanels(p, q, x.part(r, q.dst.Rows, k, q.to-k), buf, done)
		}
	}
}

// partByPanels packs x, a part of the left operand of q, and computes the columns of q from done on.
func (e *Engine) partByPanels(p *path, q product, x View, buf *[]float32, done int) {
	tiles := p.tiles(x.Rows)
	q.x = grow(buf, tiles*p.mr*x.Cols)
	e.For(tiles, 1+(1<<13)/(p.mr*x.Cols+1), func(lo, hi int) { p.packTiles(q.x, x, lo, hi) })
	first, panels := done/p.nr, (q.dst.Cols+p.nr-1)/p.nr
	e.For(panels-first, 1, func(lo, hi int) {
		s := e.scratch.Get().(*Scratch)
		defer e.scratch.Put(s)
		q.compute(p, s, first+lo, first+hi)
	})
}

// MatMulSerial is MatMul on the caller's goroutine, for work that is itself a piece of a For.
func (e *Engine) MatMulSerial(s *Scratch, dst, x View, m Matrix, form Form) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	p := e.path
	w := p.operand(m)
	done := p.stripped(dst, x, &w, form)
	if done > 0 {
		q := stripProduct{p: p, dst: dst, x: x, w: w, form: form}
		q.pad(s.x)
		s.x = q.low
		for c := 0; c < done; c += stripCols {
			q.columns(s, c)
		}
	}
	if done == dst.Cols {
		return
	}
	tiles := p.tiles(dst.Rows)
	q := product{dst: dst, x: grow(&s.x, tiles*p.mr*x.Cols), w: w, form: form, to: x.Cols}
	p.packTiles(q.x, x, 0, tiles)
	q.compute(p, s, done/p.nr, (dst.Cols+p.nr-1)/p.nr)
}

// packTiles lays tiles [lo, hi) of x out as the tile kernel reads them: mr rows side by side for each k, zeros below the last.
func (p *path) packTiles(packed []float32, x View, lo, hi int) {
	k := x.Cols
	tiles := p.tiles(x.Rows)
	if x.RowStride == 1 && x.ColStride != 1 {
		p.packTilesBySteps(packed, x, lo, hi)
		return
	}
	steps := tileSteps(k)
	for k0 := 0; k0 < k; k0 += steps {
		kc := min(steps, k-k0)
		for t := lo; t < hi; t++ {
			out := packed[(k0*tiles+t*kc)*p.mr:][:p.mr*kc]
			rows := min(p.mr, x.Rows-t*p.mr)
			p.askTile(x, (t+1)*p.mr, k0, kc)
			if rows < p.mr {
				clear(out)
			}
			p.packX(out, p.mr, x, t*p.mr, rows, k0, kc)
		}
	}
}

// packTilesBySteps is packTiles where the rows of a step lie side by side: it reads step after step, as they lie.
func (p *path) packTilesBySteps(packed []float32, x View, lo, hi int) {
	mr, tiles, steps := p.mr, p.tiles(x.Rows), tileSteps(x.Cols)
	for k := range x.Cols {
		k0 := k / steps * steps
		kc := min(steps, x.Cols-k0)
		for t := lo; t < hi; t++ {
			out := packed[(k0*tiles+t*kc+k-k0)*mr:][:mr]
			from := x.Data[t*mr+k*x.ColStride:]
			switch rows := x.Rows - t*mr; {
			case rows < mr:
				clear(out[copy(out, from[:rows]):])
			case mr == 12: // a few moves, where copy, and one array's assignment to another that may overlap it, is a call
				row := [12]float32(from)
				*(*[12]float32)(out) = row
			default:
				copy(out, from)
			}
		}
	}
}

// askTile prefetches steps [k0, k0+kc) of the rows of a tile, from r on. Such short runs are too short for the processor's own
// prefetching.
func (p *path) askTile(x View, r, k0, kc int) {
	if p.prefetch == nil || x.ColStride != 1 {
		return
	}
	for end := min(r+p.mr, x.Rows); r < end; r++ {
		p.prefetch((4*kc+63)/64, unsafe.Pointer(&x.Data[r*x.RowStride+k0]))
	}
}

// product is a product, or a part of one: dst = or += x w(k, c) for k in [from, to), and then += bias, unless it is nil.
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
func (q *product) compute(p *path, s *Scratch, lo, hi int) {
	dst := q.dst
	if q.from == q.to {
		if q.form&Accumulate == 0 {
			dst.clear(lo*p.nr, min(hi*p.nr, dst.Cols))
		}
		p.addBias(dst, q.bias, 0, dst.Rows, lo*p.nr, min(hi*p.nr, dst.Cols))
		return
	}
	group, block := groupCols/p.nr, groupRows/p.mr*p.mr
	panels, spare, edge := grow(&s.panels, group*kBlock*p.nr), grow(&s.spare, kBlock*p.nr), grow(&s.edge, p.mr*p.nr)
	tiles, ready, blank := p.tiles(dst.Rows), 0, false
	steps := tileSteps(q.to - q.from)
	for now := (stage{lo, min(group, hi-lo), q.from, min(steps, q.to-q.from)}); now.panels > 0; {
		q.packStage(p, s, panels, now, ready)
		after := now.after(q, steps, group, hi)
		next := p.upcoming(q, now, after, spare)
		if next.packs != nil && !blank {
			clear(spare) // what a panel of the same kind leaves of it later, when the two have changed places, is blank as well
			blank = true
		}
		x := q.x[(now.k-q.from)*tiles*p.mr:]
		acc := q.form.from()
		if now.k > q.from {
			acc = 1
		}
		last := now.k+now.steps == q.to
		for r0 := 0; r0 < dst.Rows; r0 += block {
			for j := range now.panels {
				c := (now.first + j) * p.nr
				panel, cols := panels[j*now.steps*p.nr:], min(p.nr, dst.Cols-c)
				for r := r0; r < min(r0+block, dst.Rows); r += p.mr {
					next.ask()
					p.oneTile(dst, x[r*now.steps:], panel, edge, r, c, cols, now.steps, acc, &next)
					if last {
						p.addBias(dst, q.bias, r, min(r+p.mr, dst.Rows), c, c+cols) // while it lies in the first-level cache
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

// stage is a part of the weights that a product packs together and then multiplies: steps [k, k+steps) of so many panels from
// the first on.
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
func (q *product) packStage(p *path, s *Scratch, panels []float32, now stage, ready int) {
	if ready == now.steps {
		return
	}
	for j := range now.panels {
		c := (now.first + j) * p.nr
		p.packPanel(s, panels[(j*now.steps+ready)*p.nr:], &q.w, q.form, c, min(p.nr, q.dst.Cols-c), now.k+ready, now.steps-ready)
	}
}

// part is rows [r, r+rows) and columns [c, c+cols) of v.
func (v View) part(r, rows, c, cols int) View {
	if v.Rows, v.Cols = rows, cols; rows > 0 && cols > 0 {
		v.Data = v.Data[r*v.RowStride+c*v.ColStride:]
	}
	return v
}

// toEdge copies v to the beginning of a whole tile whose rows are stride apart, and fromEdge copies it back: where a tile reaches
// beyond the edge of a result, it is computed in such a copy. The columns of v lie side by side.
func (v View) toEdge(edge []float32, stride int) {
	for r := range v.Rows {
		copy(edge[r*stride:], v.Data[r*v.RowStride:][:v.Cols])
	}
}

func (v View) fromEdge(edge []float32, stride int) {
	for r := range v.Rows {
		copy(v.Data[r*v.RowStride:][:v.Cols], edge[r*stride:])
	}
}

// clear sets columns [lo, hi) to 0.
func (v View) clear(lo, hi int) {
	for r := range v.Rows {
		clear(v.Data[r*v.RowStride+lo : r*v.RowStride+hi])
	}
}

// oneTile computes rows [r, r+mr) of a panel: from +0, or from dst if acc is not 0. A tile that reaches beyond the edge of dst is
// computed in edge and copied. A whole tile also packs a part of next.
func (p *path) oneTile(dst View, x, panel, edge []float32, r, c, cols, kc, acc int, next *upcoming) {
	rows := min(p.mr, dst.Rows-r)
	if rows == p.mr && cols == p.nr {
		if !next.pack(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc) {
			p.tile(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc)
		}
		return
	}
	tile, high := p.lowTile(rows)
	wide := p.nr
	if p.half != nil && cols <= p.nr/2 {
		tile, high, wide = p.half, p.mr, p.nr/2
	}
	if rows == high && cols == wide {
		tile(kc, &x[0], &panel[0], &dst.Data[r*dst.RowStride+c], dst.RowStride, acc)
		return
	}
	part := dst.part(r, rows, c, cols)
	if acc != 0 {
		part.toEdge(edge, p.nr)
	}
	tile(kc, &x[0], &panel[0], &edge[0], p.nr, acc)
	part.fromEdge(edge, p.nr)
}

// lowTile is the tile that computes so many rows, and as few more as there are, and how many it computes.
func (p *path) lowTile(rows int) (tile tileFunc, high int) {
	if third := (rows*3 + p.mr - 1) / p.mr; third < 3 && p.low[third-1] != nil {
		return p.low[third-1], third * p.mr / 3
	}
	return p.tile, p.mr
}
