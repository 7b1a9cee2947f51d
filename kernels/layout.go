package kernels

import "unsafe"

// Layout is how the numbers of a [Matrix] lie in memory. A new one is a type with these two methods, in a file of its own: products, rows
// of a table and backward passes then work, each number as Dequantize gives it. Both methods are called for a panel or a row, never for
// one element, and by many goroutines at a time.
//
// F32, BF16 and F16 keep their numbers in the Matrix. Other layouts keep them in the value that implements Layout: see [Panels].
type Layout interface {
	// Dequantize sets dst[i*stride+j] to element (r+i, c+j) of m as float32, for i below rows and j below cols, and nothing else of dst.
	Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int)
	// Bytes is the memory that m takes: its numbers, scales and whatever else belongs to them.
	Bytes(m Matrix) int
}

// dense is a Layout of one number after the other, that assembly reads by address: see elements.
type dense interface {
	Layout
	// elements is where the numbers of m lie.
	elements(m Matrix) elements
	// pack is the plain Go packFunc.
	pack(dst []float32, nr int, m Matrix, r, rows, c, cols int)
	// routines are those of p for this layout. Where p is for products of bfloat16, these are.
	routines(p *path) *denseRoutines
}

// multiplier is a Layout whose products with the transposed matrix have an arithmetic of their own: see [Engine.Affine].
type multiplier interface {
	affine(e *Engine, dst, x View, m Matrix, bias []float32)
}

// pathDequantizer is a Layout that dequantizes by the routines of p where it can, to the same bits.
type pathDequantizer interface {
	dequantizeBy(p *path, dst []float32, stride int, m Matrix, r, rows, c, cols int)
}

// dequantize is Dequantize of m by the routines of p.
func (p *path) dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	if l, ok := m.Layout.(pathDequantizer); ok {
		l.dequantizeBy(p, dst, stride, m, r, rows, c, cols)
		return
	}
	m.Layout.Dequantize(dst, stride, m, r, rows, c, cols)
}

// denseRoutines are a path's for one dense layout. What is nil is done in plain Go, or not at all.
type denseRoutines struct {
	pack    packFunc    // nil: the layout's own
	widen   packRoutine // of 16 columns of weights whose rows are steps of k
	packing packingTile // packs the next panel beside a tile
	strips  []strip     // those of most rows first; nil: products of few rows go by panels too
	fan     fanFunc     // nil: products of few rows with weights whose rows are steps go by panels too
}

// pack is packFunc for the dense matrix m.
func (p *path) pack(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	l := m.Layout.(dense)
	if routine := l.routines(p).pack; routine != nil {
		routine(dst, nr, m, r, rows, c, cols)
		return
	}
	l.pack(dst, nr, m, r, rows, c, cols)
}

// widenBy sets a part of a dense matrix by the path's routine, 16 columns at a time. Where it has none, or columns are left over, it does
// nothing and returns false.
func (p *path) widenBy(l dense, dst []float32, stride int, m Matrix, r, rows, c, cols int) bool {
	routine := l.routines(p).widen
	if routine == nil || cols%16 != 0 || rows == 0 || cols == 0 {
		return false
	}
	at := l.elements(m)
	_, _ = at.at(r+rows-1, c+cols-1), dst[(rows-1)*stride+cols-1]
	for j := 0; j < cols; j += 16 {
		routine(rows, &dst[j], stride, at.at(r, c+j), m.Stride)
	}
	return true
}

// elements is where the numbers of a dense matrix lie.
type elements struct {
	first     unsafe.Pointer
	n, stride int // how many there are, and how many lie from one row to the next
	size      int // bytes of each
}

// elementsOf are those of data, whose rows are stride apart.
func elementsOf[T any](data []T, stride int) elements {
	var one T
	return elements{unsafe.Pointer(unsafe.SliceData(data)), len(data), stride, int(unsafe.Sizeof(one))}
}

// at is the address of element (r, c), which must be one of them.
func (e *elements) at(r, c int) unsafe.Pointer {
	i := r*e.stride + c
	if uint(i) >= uint(e.n) {
		panic("kernels: an operand ends before its last element")
	}
	return unsafe.Add(e.first, i*e.size)
}

// line is how many elements are 64 bytes.
func (e *elements) line() int { return cacheLine / e.size }

// operand is the right operand of a product as its loops read it, looked up once for all of them.
type operand struct {
	Matrix
	elements elements       // where the layout is dense
	by       *denseRoutines // the path's; nil: the layout is not dense, and panels are dequantized and then packed
}

// operand prepares w.
func (p *path) operand(w Matrix) operand {
	if l, ok := w.Layout.(dense); ok {
		return operand{w, l.elements(w), l.routines(p)}
	}
	return operand{Matrix: w}
}

// span is the address of row r, after a check that rows [r, r+rows) are there.
func (w *operand) span(r, rows int) unsafe.Pointer {
	_ = w.elements.at(r+rows-1, w.Cols-1)
	return w.elements.at(r, 0)
}
