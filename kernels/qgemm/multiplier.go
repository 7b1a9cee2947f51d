package qgemm

import (
	"sync"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
)

// Multiplier multiplies by packed weights with some kernels on a pool of workers. It is safe for concurrent use.
type Multiplier struct {
	ks    *Kernels
	exact *gemm.Multiplier // whose memory it uses, and whose kernels for what is not a product
	pool  *pool.Pool
	jobs  *sync.Pool // of *job
}

// New is a multiplier by ks, beside the exact one of the same instructions, on the workers of p.
func New(ks *Kernels, exact *gemm.Multiplier, p *pool.Pool) *Multiplier {
	return &Multiplier{ks: ks, exact: exact, pool: p, jobs: &sync.Pool{New: newJob}}
}

// minUnpackedRows is the number of rows from which on a panel of 4 bits in groups of whole superblocks is unpacked to 8 bits, once for all
// rows.
const minUnpackedRows = 5

// Affine computes dst = x Wᵀ with the packed weights w:
//
//	acc = fma(float32(sum), float32(xScale * wScale), acc) for each group of steps ascending, from +0,
//
// where sum is the exact integer sum of xQ * (q - zero) over the group, which is a block or a superblock: see [PackedWeights]. A row of dst
// depends on its row of x alone, so it is the same bits for any threads and any other rows. bias, unless it is nil, is then added.
func (m *Multiplier) Affine(dst, x gemm.View, matrix gemm.Matrix, bias []float32) {
	if dst.Rows == 0 || dst.Cols == 0 {
		return
	}
	w := matrix.Layout.(*PackedWeights)
	j := m.jobs.Get().(*job)
	defer m.jobs.Put(j)
	j.m, j.dst, j.x, j.w, j.bias, j.blocks = m, dst, x, w, bias, w.blocks()
	j.form = w.form().kernels(m.ks)
	j.how = w.form().activations(w)
	if j.unpacked = j.form.unpack != nil && j.how.group == superblock && dst.Rows >= minUnpackedRows; j.unpacked {
		j.how = q8Options{zero: unpackedZero, group: superblock}
	}
	pieces := w.count()
	if j.byAMX = m.ks.amx.takes(dst.Rows, w); j.byAMX {
		j.left.fit(dst.Rows, j.blocks)
		pieces *= (dst.Rows + j.left.part - 1) / j.left.part
	} else {
		if cap(j.xs) < dst.Rows*j.blocks {
			j.xs = make([]q8Block, dst.Rows*j.blocks)
		}
		j.xs = j.xs[:dst.Rows*j.blocks]
	}
	m.pool.For(dst.Rows, 1+(1<<14)/(x.Cols+1), j.quantize)
	m.pool.For(pieces, 1, j.multiply)
}

// job is a product, handed to the pool in two steps. It is kept for the next one, with its memory: decoding allocates nothing.
type job struct {
	m                  *Multiplier
	form               *formKernels // those for w
	dst, x             gemm.View
	w                  *PackedWeights
	bias               []float32
	unpacked, byAMX    bool // weights are unpacked to 8 bits; AMX multiplies
	how                q8Options
	xs                 []q8Block // x, or
	left               amxLeft   // x for AMX
	blocks             int
	quantize, multiply func(lo, hi int) // rows, and panels of each part of them; made once
}

func newJob() any {
	j := new(job)
	j.quantize, j.multiply = j.rows, j.panels
	return j
}

// rows quantizes rows [lo, hi) of x.
func (j *job) rows(lo, hi int) {
	if j.byAMX {
		j.amxRows(lo, hi)
		return
	}
	for r := lo; r < hi; r++ {
		j.row(j.xs[r*j.blocks:], r)
	}
}

// row quantizes row r of x to the first blocks of to.
func (j *job) row(to []q8Block, r int) {
	j.m.ks.activations(to[:j.blocks], j.x.Data[r*j.x.RowStride:][:j.x.Cols], j.how)
}

// panels computes pieces [lo, hi): the columns of a panel each, by AMX for some rows and then for the next.
func (j *job) panels(lo, hi int) {
	s := j.m.exact.Scratch()
	defer j.m.exact.Put(s)
	for i := lo; i < hi; i++ {
		n, next := j.w.count(), min(i+1, hi-1)
		if j.byAMX {
			j.m.ks.amx.multiply(s, j, i/n*j.left.part, i%n, next%n)
		} else {
			j.panel(s, i, next)
		}
	}
}

// maxPrefetched is how many lines a tile prefetches at most of the panel that comes next: more would keep those waiting that it takes itself.
const maxPrefetched = 32

// panel computes the columns of panel i, and prefetches the weights of panel next.
func (j *job) panel(s *gemm.Scratch, i, next int) {
	ks := j.m.exact.Kernels()
	if j.blocks == 0 {
		first, end := i*panelCols, min((i+1)*panelCols, j.dst.Cols)
		j.dst.Clear(first, end)
		ks.AddBias(j.dst, j.bias, 0, j.dst.Rows, first, end)
		return
	}
	form := j.form
	weights, scales, beside := j.w.panel(i)
	if j.unpacked {
		room := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s.Panels(j.blocks*panelCols*blockSteps/4)))), j.blocks*panelCols*blockSteps)
		form.unpack(j.blocks, &weights[0], &beside[0], j.w.groupBlocks(), &room[0], unpackedZero)
		form, weights, beside = &j.m.ks.int8, room, nil
	}
	tiles := form.tiles
	ahead, _, _ := j.w.panel(next)
	each := 0
	if ks.Prefetch != nil && next != i && j.dst.Rows >= tiles[0].rows {
		each = min((len(ahead)/cacheLine*tiles[0].rows+j.dst.Rows-1)/j.dst.Rows, maxPrefetched)
	}
	for r, t := 0, 0; r < j.dst.Rows; {
		rows := tiles[t].rows
		if rows > j.dst.Rows-r {
			t++
			continue
		}
		if n := min(each, len(ahead)/cacheLine); n > 0 {
			ks.Prefetch(n, unsafe.Pointer(&ahead[0]))
			ahead = ahead[n*cacheLine:]
		}
		j.tile(s, i, r, rows, rows, func(dst *float32, stride int) {
			tiles[t].run(j.blocks, &j.xs[r*j.blocks], j.blocks, &weights[0], &scales[0], unsafe.SliceData(beside), j.w.groupBlocks(), dst, stride, j.how.group)
		})
		r += rows
	}
}

// tile has run write the columns of panel i for so many rows from r on, by way of scratch where dst ends within them or there are fewer
// rows than run writes.
func (j *job) tile(s *gemm.Scratch, i, r, rows, written int, run func(dst *float32, stride int)) {
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
	j.m.exact.Kernels().AddBias(dst, j.bias, r, r+rows, first, end)
}
