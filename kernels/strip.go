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

// mostStripRows is up to how many rows a product is computed by strips: more are worth packing a panel for.
const mostStripRows = 8

// line is how many elements of a kind are 64 bytes.
func (k Kind) line() int {
	if k == F32 {
		return 16
	}
	return 32
}

// stripped is how many columns of a product strips compute: whole pieces of stripCols, or none where it is not for strips.
func (p *path) stripped(dst, x View, w Matrix, transW bool) int {
	if dst.Rows > mostStripRows || x.ColStride != 1 || x.Cols == 0 {
		return 0
	}
	if transW && (p.strips[w.Kind] == nil || x.Cols*p.per()%w.Kind.line() != 0) || !transW && (p.fan == nil || w.Kind != F32) {
		return 0
	}
	return dst.Cols / stripCols * stripCols
}

// stripJob is a product by strips, handed to the pool. It is kept for the next one: decoding allocates nothing.
type stripJob struct {
	p                  *path
	dst, x             View
	w                  Matrix
	transW, accumulate bool
	run                func(lo, hi int) // strips, made once
}

func newStripJob() any {
	j := new(stripJob)
	j.run = j.strips
	return j
}

// strips computes strips [lo, hi).
func (j *stripJob) strips(lo, hi int) {
	for i := lo; i < hi; i++ {
		j.p.strip(j.dst, j.x, j.w, j.transW, j.accumulate, i*stripCols)
	}
}

// strip computes the columns [c, c+stripCols) of a product by strips. The rows are done a few at a time: the weights of
// the piece lie in the cache after the first.
func (p *path) strip(dst, x View, w Matrix, transW, accumulate bool, c int) {
	acc := 0
	if accumulate {
		acc = 1
	}
	if !transW {
		_ = w.at(x.Cols-1, c+stripCols-1)
		for r := range dst.Rows {
			ds := dst.Data[r*dst.RowStride+c:][:stripCols]
			p.fan(x.Cols, &x.Data[r*x.RowStride:][:x.Cols][0], &w.F32[c], w.Stride, &ds[0], acc)
		}
		return
	}
	lines := x.Cols * p.per() / w.Kind.line()
	row := 0
	for _, s := range p.strips[w.Kind] {
		for ; dst.Rows-row >= s.rows; row += s.rows {
			xs := x.Data[row*x.RowStride:][:(s.rows-1)*x.RowStride+x.Cols]
			ds := dst.Data[row*dst.RowStride+c:][:(s.rows-1)*dst.RowStride+stripCols]
			for i := 0; i < stripCols; i += s.cols {
				s.run(lines, &xs[0], x.RowStride, w.span(c+i, s.cols), w.Stride, &ds[i], dst.RowStride, acc)
			}
		}
	}
}
