package kernels

import "unsafe"

// stripCols is how many columns a piece of work has in a product by strips. It is a multiple of the columns of every strip.
const stripCols = 32

// stripFunc computes a strip of a product of a few rows where the weights lie, row-major: dst[r*dstStride+c] = fma chain of
// x[r*xStride+i] and w[c*stride+i] for i ascending through whole lines of 64 bytes of each row of w, from +0, or from dst if
// accumulate is not 0.
type stripFunc func(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int)

// fanFunc computes stripCols columns of a product of one row with weights that lie a step of k to a row: dst[c] = fma chain of
// x[i] and w[i*stride+c] for i below k ascending, k > 0, from +0, or from dst if accumulate is not 0.
type fanFunc func(k int, x, w *float32, stride int, dst *float32, accumulate int)

// strip is a stripFunc and the rows and columns that it computes.
type strip struct {
	rows, cols int
	run        stripFunc
}

// strips are the strips of a path for each kind of weights, those of most rows first.
type strips [3][]strip

// The most rows of a product that strips compute, and fans (weights with one step of k to a row). With more rows, packing a panel
// pays.
const (
	mostStripRows = 16
	mostFanRows   = 8
)

// line is how many elements of a kind are 64 bytes.
func (k Kind) line() int {
	if k == F32 {
		return 16
	}
	return 32
}

// stripped is how many columns of a product strips compute: whole pieces of stripCols, or none where strips do not pay.
func (p *path) stripped(dst, x View, w Matrix, transW bool) int {
	most := mostStripRows
	if !transW {
		most = mostFanRows
	}
	if dst.Rows > most || x.ColStride != 1 || x.Cols == 0 {
		return 0
	}
	if transW && (p.strips[w.Kind] == nil || x.Cols*p.per()%w.Kind.line() != 0) || !transW && (p.fan == nil || w.Kind != F32) {
		return 0
	}
	return dst.Cols / stripCols * stripCols
}

// stripFor is the strip with the fewest rows that are enough, or else the one with the most rows.
func (p *path) stripFor(kind Kind, rows int) strip {
	all := p.strips[kind]
	for i := len(all) - 1; i > 0; i-- {
		if all[i].rows >= rows {
			return all[i]
		}
	}
	return all[0]
}

// stripProduct is a product by strips, or by fans.
type stripProduct struct {
	p                  *path
	dst, x             View
	w                  Matrix
	transW, accumulate bool
	low                []float32 // the last rows of x, where they are fewer than their strip's, and zeros below
}

// pad sets q.low, by way of memory that is kept.
func (q *stripProduct) pad(low []float32) {
	q.low = low[:0]
	if !q.transW {
		return
	}
	most := q.p.strips[q.w.Kind][0].rows
	rest := (q.x.Rows-1)%most + 1
	rows := q.p.stripFor(q.w.Kind, rest).rows
	if rest == rows {
		return
	}
	q.low = grow(&low, rows*q.x.Cols)
	for r := range rest {
		copy(q.low[r*q.x.Cols:][:q.x.Cols], q.x.Data[(q.x.Rows-rest+r)*q.x.RowStride:])
	}
	clear(q.low[rest*q.x.Cols:])
}

// columns computes the columns [c, c+stripCols), by way of scratch where there are fewer rows than the strip's. The rows are done a
// few at a time: the weights of the piece lie in the cache after the first.
func (q *stripProduct) columns(s *Scratch, c int) {
	if !q.transW {
		q.fans(c)
		return
	}
	dst, x := q.dst, q.x
	for row := 0; row < dst.Rows; {
		t := q.p.stripFor(q.w.Kind, dst.Rows-row)
		if rows := dst.Rows - row; rows < t.rows {
			part, edge := dst.part(row, rows, c, stripCols), grow(&s.edge, t.rows*stripCols)
			if q.accumulate {
				part.toEdge(edge, stripCols)
			}
			q.strip(t, q.low, x.Cols, edge, stripCols, c)
			part.fromEdge(edge, stripCols)
		} else {
			q.strip(t, x.Data[row*x.RowStride:], x.RowStride, dst.Data[row*dst.RowStride+c:], dst.RowStride, c)
		}
		row += t.rows
	}
}

// strip computes the columns [c, c+stripCols) of as many rows as t has.
func (q *stripProduct) strip(t strip, x []float32, xStride int, dst []float32, dstStride, c int) {
	_, _ = x[(t.rows-1)*xStride+q.x.Cols-1], dst[(t.rows-1)*dstStride+stripCols-1]
	lines := q.x.Cols * q.p.per() / q.w.Kind.line()
	for i := 0; i < stripCols; i += t.cols {
		t.run(lines, &x[0], xStride, q.w.span(c+i, t.cols), q.w.Stride, &dst[i], dstStride, q.from())
	}
}

// fans computes the columns [c, c+stripCols) by fans.
func (q *stripProduct) fans(c int) {
	dst, x, w := q.dst, q.x, q.w
	_ = w.at(x.Cols-1, c+stripCols-1)
	for r := range dst.Rows {
		ds := dst.Data[r*dst.RowStride+c:][:stripCols]
		q.p.fan(x.Cols, &x.Data[r*x.RowStride:][:x.Cols][0], &w.F32[c], w.Stride, &ds[0], q.from())
	}
}

// from is what routines are told: 1 to go on from what dst holds, 0 to begin with +0.
func (q *stripProduct) from() int {
	if q.accumulate {
		return 1
	}
	return 0
}

// stripJob is a product by strips, handed to the pool. It is kept for the next one: decoding allocates nothing.
type stripJob struct {
	stripProduct
	e   *Engine
	run func(lo, hi int) // strips, made once
}

func newStripJob() any {
	j := new(stripJob)
	j.run = j.strips
	return j
}

// strips computes strips [lo, hi).
func (j *stripJob) strips(lo, hi int) {
	s := j.e.scratch.Get().(*Scratch)
	defer j.e.scratch.Put(s)
	for i := lo; i < hi; i++ {
		j.columns(s, i*stripCols)
	}
}
