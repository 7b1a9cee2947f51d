package kernels

import "unsafe"

// denseRoutines are a path's for one layout of one number after the other. What is nil is not done so.
type denseRoutines struct {
	layout  Layout
	pack    packFunc
	widen   packRoutine // of 16 columns of weights whose rows are steps of k
	packing packingTile // packs the next panel beside a tile
	strips  []strip     // those of most rows first; nil: products of few rows go by panels too
	fan     fanFunc     // nil: products of few rows with weights whose rows are steps go by panels too
}

// routines are those of p for a layout; nil for none.
func (p *path) routines(l Layout) *denseRoutines {
	for i := range p.dense {
		if p.dense[i].layout == l {
			return &p.dense[i]
		}
	}
	return nil
}

// operand is the right operand of a product as its loops read it, looked up once for all of them.
type operand struct {
	Matrix
	elements Elements       // where by is not nil
	by       *denseRoutines // the path's; nil: panels are dequantized and then packed
}

// operand prepares w.
func (p *path) operand(w Matrix) operand {
	if l, ok := w.Layout.(ElementLayout); ok {
		at := l.Elements(w)
		return operand{w, at, p.routines(at.Layout)}
	}
	return operand{Matrix: w}
}

// span is the address of row r, after a check that rows [r, r+rows) are there.
func (w *operand) span(r, rows int) unsafe.Pointer {
	_ = w.elements.At(r+rows-1, w.Cols-1)
	return w.elements.At(r, 0)
}

// dequantize is Dequantize of w, by assembly where there is some.
func (p *path) dequantize(dst []float32, stride int, w *operand, r, rows, c, cols int) {
	if w.by != nil && w.by.widen != nil && rows > 0 && cols > 0 && cols%16 == 0 {
		at := &w.elements
		_, _ = at.At(r+rows-1, c+cols-1), dst[(rows-1)*stride+cols-1]
		for j := 0; j < cols; j += 16 {
			w.by.widen(rows, &dst[j], stride, at.At(r, c+j), w.Stride)
		}
		return
	}
	if l, ok := w.Layout.(PathLayout); ok {
		l.DequantizeBy(p.name, dst, stride, w.Matrix, r, rows, c, cols)
		return
	}
	w.Layout.Dequantize(dst, stride, w.Matrix, r, rows, c, cols)
}

// packPanel lays columns [c, c+cols) and steps [k0, k0+kc) of w out with nr columns side by side for each k.
func (p *path) packPanel(s *Scratch, panel []float32, w *operand, form Form, c, cols, k0, kc int) {
	if cols < p.nr {
		clear(panel[:kc*p.nr])
	}
	switch {
	case form&TransW == 0:
		p.dequantize(panel, p.nr, w, k0, kc, c, cols)
	case w.by != nil:
		w.by.pack(panel, p.nr, w.Matrix, c, cols, k0, kc)
	default:
		rows := grow(&s.rows, cols*kc)
		p.dequantize(rows, kc, w, c, cols, k0, kc)
		p.packF32(panel, p.nr, Matrix{Layout: F32, F32: rows, Rows: cols, Cols: kc, Stride: kc}, 0, cols, 0, kc)
	}
}

// packF32 is packFunc for a matrix of float32.
func (p *path) packF32(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	p.routines(F32).pack(dst, nr, m, r, rows, c, cols)
}
