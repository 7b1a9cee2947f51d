package kernels

import "unsafe"

// stripCols is how many columns of a product a piece of work has where strips compute it: every strip's divides it.
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

// Up to how many rows a product is computed by strips, and one with weights that lie a step of k to a row by fans: more are worth
// packing a panel for.
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

// stripped is how many columns of a product strips compute: whole pieces of stripCols, or none where it is not for strips.
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

// stripFor is the strip that computes so many rows, or as few more as there are, or else the one of most rows.
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
	dst, x, w, acc := q.dst, q.x, q.w, 0
	if q.accumulate {
		acc = 1
	}
	if !q.transW {
		_ = w.at(x.Cols-1, c+stripCols-1)
		for r := range dst.Rows {
			ds := dst.Data[r*dst.RowStride+c:][:stripCols]
			q.p.fan(x.Cols, &x.Data[r*x.RowStride:][:x.Cols][0], &w.F32[c], w.Stride, &ds[0], acc)
		}
		return
	}
	lines := x.Cols * q.p.per() / w.Kind.line()
	for row := 0; row < dst.Rows; {
		rows := dst.Rows - row
		t := q.p.stripFor(w.Kind, rows)
		low := rows < t.rows
		ds, dstStride, xs, xStride := dst.Data[row*dst.RowStride+c:], dst.RowStride, q.low, x.Cols
		if low {
			ds, dstStride = grow(&s.edge, t.rows*stripCols), stripCols
			for r := 0; r < rows && acc != 0; r++ {
				copy(ds[r*stripCols:][:stripCols], dst.Data[(row+r)*dst.RowStride+c:])
			}
		} else {
			xs, xStride = x.Data[row*x.RowStride:], x.RowStride
		}
		_, _ = xs[(t.rows-1)*xStride+x.Cols-1], ds[(t.rows-1)*dstStride+stripCols-1]
		for i := 0; i < stripCols; i += t.cols {
			t.run(lines, &xs[0], xStride, w.span(c+i, t.cols), w.Stride, &ds[i], dstStride, acc)
		}
		for r := 0; r < rows && low; r++ {
			copy(dst.Data[(row+r)*dst.RowStride+c:][:stripCols], ds[r*stripCols:])
		}
		row += t.rows
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
