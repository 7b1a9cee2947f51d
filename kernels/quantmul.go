package kernels

import "unsafe"

// quantTileFunc computes a tile of a few rows of x and the 32 columns of a panel, the loop of quantTileGeneric. Rows of x are
// xStride blocks apart, rows of dst dstStride numbers; per is how many blocks of weights have one scale, and span how many of x;
// zeros is nil but in the form with zero points.
type quantTileFunc func(blocks int, x *xBlock, xStride int, w *byte, scales *uint16, zeros *byte, per int, dst *float32, dstStride int, span int)

// quantTile is a quantTileFunc and how many rows it computes.
type quantTile struct {
	rows int
	run  quantTileFunc
}

// quantRoutines are a path's for quantised weights.
type quantRoutines struct {
	quantise quantiseXFunc
	tiles    [forms][]quantTile // for each form of weights those of most rows first; the last is of one row
}

var quantGeneric = quantRoutines{
	quantise: quantiseXGeneric,
	tiles: [forms][]quantTile{
		formInt8:      {{1, quantTileGeneric[int8Weights]}},
		formInt4:      {{1, quantTileGeneric[int4Weights]}},
		formInt4Zeros: {{1, quantTileGeneric[int4Weights]}},
	},
}

// quantSets are p's routines, or the plain Go ones.
func (p *path) quantSets() []*quantRoutines {
	if p.quant == nil {
		return []*quantRoutines{&quantGeneric}
	}
	return p.quant
}

// matMulQuantised computes dst = x Wᵀ with quantised weights:
//
//	acc = fma(float32(sum), float32(xScale * wScale), acc) for each span of steps ascending, from +0,
//
// where sum is the exact integer sum of xQ * (q - zero) over the span: see [Panels.span]. A row of dst depends on its row of x alone, so it is
// the same bits for any threads and any other rows. bias, unless it is nil, is then added.
func (e *Engine) matMulQuantised(dst, x View, w *Panels, bias []float32) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	routines, blocks := e.path.quantSets()[0], w.blocks()
	j := e.quantJobs.Get().(*quantJob)
	defer e.quantJobs.Put(j)
	j.e, j.routines, j.dst, j.x, j.w, j.bias, j.zero, j.blocks = e, routines, dst, x, w, bias, w.offsetZero(), blocks
	if cap(j.xs) < dst.Rows*blocks {
		j.xs = make([]xBlock, dst.Rows*blocks)
	}
	j.xs = j.xs[:dst.Rows*blocks]
	e.For(dst.Rows, 1+(1<<14)/(x.Cols+1), j.quantise)
	e.For(w.count(), 1, j.multiply)
}

// quantJob is a product of quantised weights, handed to the pool in two steps. It is kept for the next one, with its memory:
// decoding allocates nothing.
type quantJob struct {
	e                  *Engine
	routines           *quantRoutines
	dst, x             View
	w                  *Panels
	bias               []float32
	xs                 []xBlock
	blocks             int
	zero               int32
	quantise, multiply func(lo, hi int) // rows and panels, made once
}

func newQuantJob() any {
	j := new(quantJob)
	j.quantise, j.multiply = j.rows, j.panels
	return j
}

// rows quantises rows [lo, hi) of x.
func (j *quantJob) rows(lo, hi int) {
	for r := lo; r < hi; r++ {
		j.routines.quantise(j.xs[r*j.blocks:][:j.blocks], j.x.Data[r*j.x.RowStride:][:j.x.Cols], j.zero, j.w.span())
	}
}

// panels computes the columns of panels [lo, hi).
func (j *quantJob) panels(lo, hi int) {
	s := j.e.scratch.Get().(*Scratch)
	defer j.e.scratch.Put(s)
	for i := lo; i < hi; i++ {
		j.panel(s, i)
	}
}

// panel computes the columns of panel i, by way of scratch where dst ends within it.
func (j *quantJob) panel(s *Scratch, i int) {
	p, dst, w, tiles := j.e.path, j.dst, j.w, j.routines.tiles[j.w.form()]
	weights, scales, zeros := w.panel(i)
	first, end := i*panelCols, min((i+1)*panelCols, dst.Cols)
	if j.blocks == 0 {
		dst.clear(first, end)
		p.addBias(dst, j.bias, 0, dst.Rows, first, end)
		return
	}
	for r, t := 0, 0; r < dst.Rows; {
		rows := tiles[t].rows
		if rows > dst.Rows-r {
			t++
			continue
		}
		out, stride, edge := dst.Data[r*dst.RowStride+first:], dst.RowStride, end-first < panelCols
		if edge {
			out, stride = grow(&s.edge, rows*panelCols), panelCols
		}
		out = out[:(rows-1)*stride+panelCols]
		tiles[t].run(j.blocks, &j.xs[r*j.blocks], j.blocks, &weights[0], &scales[0], unsafe.SliceData(zeros), w.per(), &out[0], stride, w.span())
		if edge {
			dst.part(r, rows, first, end-first).fromEdge(out, stride)
		}
		p.addBias(dst, j.bias, r, r+rows, first, end)
		r += rows
	}
}
