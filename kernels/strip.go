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

// The most rows of a product that strips compute, and fans (weights with one step of k to a row). With more rows, packing a panel
// pays.
const (
	mostStripRows = 16
	mostFanRows   = 8
)

// stripped is how many columns of a product strips compute: whole pieces of stripCols, or none where strips do not pay.
func (p *path) stripped(dst, x View, w *operand, form Form) int {
	if w.by == nil || x.ColStride != 1 || x.Cols == 0 {
		return 0
	}
	if form&TransW == 0 && (w.by.fan == nil || dst.Rows > mostFanRows) {
		return 0
	}
	if form&TransW != 0 && (w.by.strips == nil || dst.Rows > mostStripRows || x.Cols*p.per()%w.elements.line() != 0) {
		return 0
	}
	return dst.Cols / stripCols * stripCols
}

// stripFor is the strip with the fewest rows that are enough, or else the one with the most rows.
func (d *denseRoutines) stripFor(rows int) strip {
	all := d.strips
	for i := len(all) - 1; i > 0; i-- {
		if all[i].rows >= rows {
			return all[i]
		}
	}
	return all[0]
}

// stripProduct is a product by strips, or by fans.
type stripProduct struct {
	p      *path
	dst, x View
	w      operand
	form   Form
	low    []float32 // the last rows of x, where they are fewer than their strip's, and zeros below
}

// pad sets q.low, by way of memory that is kept.
func (q *stripProduct) pad(low []float32) {
	q.low = low[:0]
	if q.form&TransW == 0 {
		return
	}
	most := q.w.by.strips[0].rows
	rest := (q.x.Rows-1)%most + 1
	rows := q.w.by.stripFor(rest).rows
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
	if q.form&TransW == 0 {
		q.fans(c)
		return
	}
	dst, x := q.dst, q.x
	for row := 0; row < dst.Rows; {
		t := q.w.by.stripFor(dst.Rows - row)
		if rows := dst.Rows - row; rows < t.rows {
			part, edge := dst.part(row, rows, c, stripCols), grow(&s.edge, t.rows*stripCols)
			if q.form&Accumulate != 0 {
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
	lines := q.x.Cols * q.p.per() / q.w.elements.line()
	for i := 0; i < stripCols; i += t.cols {
		t.run(lines, &x[0], xStride, q.w.span(c+i, t.cols), q.w.Stride, &dst[i], dstStride, q.form.from())
	}
}

// fans computes the columns [c, c+stripCols) by fans.
func (q *stripProduct) fans(c int) {
	dst, x, w := q.dst, q.x, &q.w
	_ = w.elements.At(x.Cols-1, c+stripCols-1)
	for r := range dst.Rows {
		ds := dst.Data[r*dst.RowStride+c:][:stripCols]
		w.by.fan(x.Cols, &x.Data[r*x.RowStride:][:x.Cols][0], (*float32)(w.elements.At(0, c)), w.Stride, &ds[0], q.form.from())
	}
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
