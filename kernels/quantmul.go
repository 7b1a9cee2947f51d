package kernels

import (
	"sync"
	"unsafe"
)

// quantTileFunc computes a tile of a few rows of x and the 32 columns of a panel, the loop of quantTileGeneric. Rows of x are
// xStride blocks apart, rows of dst dstStride numbers; per is how many blocks of weights have one scale, and span how many of x;
// beside is zero points or sub-scales, by the form.
type quantTileFunc func(blocks int, x *xBlock, xStride int, w *byte, scales *uint16, beside *byte, per int, dst *float32, dstStride int, span int)

// unpackFunc unpacks so many blocks of 4-bit weights to bytes in the order of an 8-bit panel: sub-scale*(q-8) + bias, or q-zero + bias,
// where per blocks in a row share a zero point. See unpackGeneric.
type unpackFunc func(blocks int, w *byte, beside *byte, per int, to *byte, bias int)

// quantTile is a quantTileFunc and how many rows it computes.
type quantTile struct {
	rows int
	run  quantTileFunc
}

// quantRoutines are a path's for quantized weights.
type quantRoutines struct {
	quantize              quantizeXFunc
	int8, int4, int4Zeros formRoutines
	unit                  *matrixUnit // for many rows; nil for none
}

// formRoutines are those for one form of packed weights.
type formRoutines struct {
	tiles      []quantTile         // those of most rows first; the last is of one row
	unpack     unpackFunc          // to 8 bits; nil for weights of 8
	dequantize dequantizeBlockFunc // nil for none
}

var quantGeneric = quantRoutines{
	quantize:  quantizeXGeneric,
	int8:      formRoutines{tiles: []quantTile{{1, quantTileGeneric[int8Weights]}}},
	int4:      formRoutines{tiles: []quantTile{{1, subScalesTileGeneric}}, unpack: unpackGeneric},
	int4Zeros: formRoutines{tiles: []quantTile{{1, quantTileGeneric[int4Weights]}}, unpack: unpackZerosGeneric},
}

// leastUnpacked is the number of rows from which on a panel of 4 bits in long spans is unpacked to 8 bits, once for all rows.
const leastUnpacked = 5

// quantSets are p's routines, or the plain Go ones.
func (p *path) quantSets() []*quantRoutines {
	if p.quant == nil {
		return []*quantRoutines{&quantGeneric}
	}
	return p.quant
}

// quantByPath are the routines of each path of this machine, by its name.
var quantByPath = sync.OnceValue(func() map[string]*quantRoutines {
	out := map[string]*quantRoutines{}
	for _, p := range paths() {
		if p.Available {
			out[p.Name] = p.quantSets()[0]
		}
	}
	return out
})

// quantRoutinesOf are those of the path of that name, or plain Go's.
func quantRoutinesOf(path string) *quantRoutines {
	if r := quantByPath()[path]; r != nil {
		return r
	}
	return &quantGeneric
}

// matMulQuantized computes dst = x Wᵀ with quantized weights:
//
//	acc = fma(float32(sum), float32(xScale * wScale), acc) for each span of steps ascending, from +0,
//
// where sum is the exact integer sum of xQ * (q - zero) over the span: see [PackedWeights.span]. A row of dst depends on its row of x alone, so it is
// the same bits for any threads and any other rows. bias, unless it is nil, is then added.
func (e *Engine) matMulQuantized(dst, x View, m Matrix, bias []float32) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	w := m.Layout.(*PackedWeights)
	j := e.quantJobs.Get().(*quantJob)
	defer e.quantJobs.Put(j)
	j.e, j.routines, j.dst, j.x, j.w, j.bias, j.blocks = e, e.path.quantSets()[0], dst, x, w, bias, w.blocks()
	j.form = w.form().routines(j.routines)
	j.how = w.form().activations(w)
	if j.unpacked = j.form.unpack != nil && j.how.span == spanBlocks && dst.Rows >= leastUnpacked; j.unpacked {
		j.how = xSpans{zero: unpackedZero, span: spanBlocks}
	}
	pieces := w.count()
	if j.byUnit = j.routines.unit.takes(dst.Rows, w); j.byUnit {
		j.slabs.fit(dst.Rows, j.blocks)
		pieces *= (dst.Rows + j.slabs.part - 1) / j.slabs.part
	} else {
		if cap(j.xs) < dst.Rows*j.blocks {
			j.xs = make([]xBlock, dst.Rows*j.blocks)
		}
		j.xs = j.xs[:dst.Rows*j.blocks]
	}
	e.For(dst.Rows, 1+(1<<14)/(x.Cols+1), j.quantize)
	e.For(pieces, 1, j.multiply)
}

// quantJob is a product of quantized weights, handed to the pool in two steps. It is kept for the next one, with its memory:
// decoding allocates nothing.
type quantJob struct {
	e                  *Engine
	routines           *quantRoutines
	form               *formRoutines // those of them for w
	dst, x             View
	w                  *PackedWeights
	bias               []float32
	unpacked, byUnit   bool // weights are unpacked to 8 bits; the unit multiplies
	how                xSpans
	xs                 []xBlock // x, or
	slabs              slabs    // x for the unit
	blocks             int
	quantize, multiply func(lo, hi int) // rows, and panels of each part of them; made once
}

func newQuantJob() any {
	j := new(quantJob)
	j.quantize, j.multiply = j.rows, j.panels
	return j
}

// rows quantizes rows [lo, hi) of x.
func (j *quantJob) rows(lo, hi int) {
	if j.byUnit {
		j.slabRows(lo, hi)
		return
	}
	for r := lo; r < hi; r++ {
		j.row(j.xs[r*j.blocks:], r)
	}
}

// rowPool holds rows of x, quantized, before they are laid out for the unit.
var rowPool = sync.Pool{New: func() any { return new([]xBlock) }}

// slabRows quantizes rows [lo, hi) of x and lays them out for the unit.
func (j *quantJob) slabRows(lo, hi int) {
	row := rowPool.Get().(*[]xBlock)
	defer rowPool.Put(row)
	if cap(*row) < j.blocks {
		*row = make([]xBlock, j.blocks)
	}
	blocks := (*row)[:j.blocks]
	for r := lo; r < hi; r++ {
		j.row(blocks, r)
		j.slabs.put(r, blocks)
	}
}

// row quantizes row r of x to the first blocks of to.
func (j *quantJob) row(to []xBlock, r int) {
	j.routines.quantize(to[:j.blocks], j.x.Data[r*j.x.RowStride:][:j.x.Cols], j.how)
}

// panels computes pieces [lo, hi): the columns of a panel each, by the unit for some rows and then for the next.
func (j *quantJob) panels(lo, hi int) {
	s := j.e.exact.Scratch()
	defer j.e.exact.Put(s)
	for i := lo; i < hi; i++ {
		n, next := j.w.count(), min(i+1, hi-1)
		if j.byUnit {
			j.routines.unit.multiply(s, j, i/n*j.slabs.part, i%n, next%n)
		} else {
			j.panel(s, i, next)
		}
	}
}

// mostAsked is how many lines a tile asks for at most of the panel that comes next: more would keep those waiting that it takes itself.
const mostAsked = 32

// panel computes the columns of panel i, and asks for the weights of panel next.
func (j *quantJob) panel(s *Scratch, i, next int) {
	if j.blocks == 0 {
		first, end := i*panelCols, min((i+1)*panelCols, j.dst.Cols)
		j.dst.Clear(first, end)
		j.e.path.AddBias(j.dst, j.bias, 0, j.dst.Rows, first, end)
		return
	}
	form := j.form
	weights, scales, beside := j.w.panel(i)
	if j.unpacked {
		room := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s.Panels(j.blocks*panelCols*blockSteps/4)))), j.blocks*panelCols*blockSteps)
		form.unpack(j.blocks, &weights[0], &beside[0], j.w.per(), &room[0], unpackedZero)
		form, weights, beside = &j.routines.int8, room, nil
	}
	tiles := form.tiles
	ahead, _, _ := j.w.panel(next)
	each := 0
	if j.e.path.Prefetch != nil && next != i && j.dst.Rows >= tiles[0].rows {
		each = min((len(ahead)/cacheLine*tiles[0].rows+j.dst.Rows-1)/j.dst.Rows, mostAsked)
	}
	for r, t := 0, 0; r < j.dst.Rows; {
		rows := tiles[t].rows
		if rows > j.dst.Rows-r {
			t++
			continue
		}
		if n := min(each, len(ahead)/cacheLine); n > 0 {
			j.e.path.Prefetch(n, unsafe.Pointer(&ahead[0]))
			ahead = ahead[n*cacheLine:]
		}
		j.tile(s, i, r, rows, rows, func(dst *float32, stride int) {
			tiles[t].run(j.blocks, &j.xs[r*j.blocks], j.blocks, &weights[0], &scales[0], unsafe.SliceData(beside), j.w.per(), dst, stride, j.how.span)
		})
		r += rows
	}
}

// tile has run write the columns of panel i for so many rows from r on, by way of scratch where dst ends within them or there are fewer
// rows than run writes.
func (j *quantJob) tile(s *Scratch, i, r, rows, written int, run func(dst *float32, stride int)) {
	dst, first := j.dst, i*panelCols
	end := min(first+panelCols, dst.Cols)
	out, stride, edge := dst.Data[r*dst.RowStride+first:], dst.RowStride, end-first < panelCols || rows < written
	if edge {
		out, stride = s.Edge(written*panelCols), panelCols
	}
	out = out[:(written-1)*stride+panelCols]
	run(&out[0], stride)
	if edge {
		dst.Part(r, rows, first, end-first).FromEdge(out, stride)
	}
	j.e.path.AddBias(dst, j.bias, r, r+rows, first, end)
}
