package gemm

import "unsafe"

// Products of a few rows take the weights where they lie, which are read once and never stored packed. Weights whose rows are columns of the
// product go by rows (a torch.nn.Linear, or keys): gemv_rows. Those with a step of k to a row go by columns (values), in axpy form: gemv_cols.

// gemvCols is how many columns a piece of work has. It is a multiple of the columns of every GEMVRows.
const gemvCols = 32

// GEMVRowsFunc computes some rows and columns of a product where the weights lie, row-major: dst[r*dstStride+c] = fma chain of
// x[r*xStride+i] and w[c*stride+i] for i ascending through whole lines of 64 bytes of each row of w, from +0, or from dst if
// accumulate is not 0.
type GEMVRowsFunc func(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int)

// GEMVColsFunc computes gemvCols columns of a product of one row with weights that lie a step of k to a row: dst[c] = fma chain of
// x[i] and w[i*stride+c] for i below k ascending, k > 0, from +0, or from dst if accumulate is not 0.
type GEMVColsFunc func(k int, x, w *float32, stride int, dst *float32, accumulate int)

// GEMVRows is a GEMVRowsFunc and the rows and columns that it computes.
type GEMVRows struct {
	Rows, Cols int
	Run        GEMVRowsFunc
}

// The most rows of a product that goes by rows, and by columns. With more rows, packing a panel pays.
const (
	maxGEMVRows     = 16
	maxGEMVColsRows = 8
)

// gemvColumns is how many columns of a product go by rows or columns of weights where they lie: whole pieces of gemvCols, or none where that
// does not pay.
func (ks *Kernels) gemvColumns(dst, x View, w *operand, form Form) int {
	if w.by == nil || x.ColStride != 1 || x.Cols == 0 {
		return 0
	}
	if form&TransW == 0 && (w.by.GEMVCols == nil || dst.Rows > maxGEMVColsRows) {
		return 0
	}
	if form&TransW != 0 && (w.by.GEMVRows == nil || dst.Rows > maxGEMVRows || x.Cols*ks.PerElement%w.elements.line() != 0) {
		return 0
	}
	return dst.Cols / gemvCols * gemvCols
}

// gemvFor is the routine of the fewest rows that are enough, or else the one of most rows.
func (d *Routines) gemvFor(rows int) GEMVRows {
	all := d.GEMVRows
	for i := len(all) - 1; i > 0; i-- {
		if all[i].Rows >= rows {
			return all[i]
		}
	}
	return all[0]
}

// gemv is a product of a few rows.
type gemv struct {
	ks     *Kernels
	dst, x View
	w      operand
	form   Form
	low    []float32 // the last rows of x, where they are fewer than their routine's, and zeros below
}

// pad sets q.low, by way of memory that is kept.
func (q *gemv) pad(low []float32) {
	q.low = low[:0]
	if q.form&TransW == 0 {
		return
	}
	most := q.w.by.GEMVRows[0].Rows
	rest := (q.x.Rows-1)%most + 1
	rows := q.w.by.gemvFor(rest).Rows
	if rest == rows {
		return
	}
	q.low = Grow(&low, rows*q.x.Cols)
	for r := range rest {
		copy(q.low[r*q.x.Cols:][:q.x.Cols], q.x.Data[(q.x.Rows-rest+r)*q.x.RowStride:])
	}
	clear(q.low[rest*q.x.Cols:])
}

// columns computes the columns [c, c+gemvCols), by way of scratch where there are fewer rows than the routine's. The rows are done a
// few at a time: the weights of the piece lie in the cache after the first.
func (q *gemv) columns(s *Scratch, c int) {
	if q.form&TransW == 0 {
		q.byCols(c)
		return
	}
	dst, x := q.dst, q.x
	for row := 0; row < dst.Rows; {
		t := q.w.by.gemvFor(dst.Rows - row)
		if rows := dst.Rows - row; rows < t.Rows {
			part, edge := dst.Part(row, rows, c, gemvCols), s.Edge(t.Rows*gemvCols)
			if q.form&Accumulate != 0 {
				part.ToEdge(edge, gemvCols)
			}
			q.byRows(t, q.low, x.Cols, edge, gemvCols, c)
			part.FromEdge(edge, gemvCols)
		} else {
			q.byRows(t, x.Data[row*x.RowStride:], x.RowStride, dst.Data[row*dst.RowStride+c:], dst.RowStride, c)
		}
		row += t.Rows
	}
}

// byRows computes the columns [c, c+gemvCols) of as many rows as t has.
func (q *gemv) byRows(t GEMVRows, x []float32, xStride int, dst []float32, dstStride, c int) {
	_, _ = x[(t.Rows-1)*xStride+q.x.Cols-1], dst[(t.Rows-1)*dstStride+gemvCols-1]
	lines := q.x.Cols * q.ks.PerElement / q.w.elements.line()
	for i := 0; i < gemvCols; i += t.Cols {
		t.Run(lines, &x[0], xStride, q.w.rows(c+i, t.Cols), q.w.Stride, &dst[i], dstStride, q.form.from())
	}
}

// byCols computes the columns [c, c+gemvCols) row after row, of weights with a step of k to a row.
func (q *gemv) byCols(c int) {
	dst, x, w := q.dst, q.x, &q.w
	_ = w.elements.At(x.Cols-1, c+gemvCols-1)
	for r := range dst.Rows {
		ds := dst.Data[r*dst.RowStride+c:][:gemvCols]
		w.by.GEMVCols(x.Cols, &x.Data[r*x.RowStride:][:x.Cols][0], (*float32)(w.elements.At(0, c)), w.Stride, &ds[0], q.form.from())
	}
}

// gemvJob is a product of a few rows, handed to the pool. It is kept for the next one: decoding allocates nothing.
type gemvJob struct {
	gemv
	m   *Multiplier
	run func(lo, hi int) // pieces, made once
}

func newGEMVJob() any {
	j := new(gemvJob)
	j.run = j.pieces
	return j
}

// pieces computes pieces [lo, hi).
func (j *gemvJob) pieces(lo, hi int) {
	s := j.m.Scratch()
	defer j.m.Put(s)
	for i := lo; i < hi; i++ {
		j.columns(s, i*gemvCols)
	}
}
