package gemm

import "unsafe"

// routines are those for a layout; nil for none.
func (ks *Kernels) routines(l Layout) *Routines {
	for i := range ks.Dense {
		if ks.Dense[i].Layout == l {
			return &ks.Dense[i]
		}
	}
	return nil
}

// operand is the right operand of a product as its loops read it, looked up once for all of them.
type operand struct {
	Matrix
	elements Elements  // where by is not nil
	by       *Routines // the kernels'; nil: panels are dequantized and then packed
}

// operand prepares w.
func (ks *Kernels) operand(w Matrix) operand {
	if l, ok := w.Layout.(ElementLayout); ok {
		at := l.Elements(w)
		return operand{w, at, ks.routines(at.Layout)}
	}
	return operand{Matrix: w}
}

// rows is the address of row r, after a check that rows [r, r+rows) are there.
func (w *operand) rows(r, rows int) unsafe.Pointer {
	_ = w.elements.At(r+rows-1, w.Cols-1)
	return w.elements.At(r, 0)
}

// dequantize is Dequantize of w, by assembly where there is some.
func (ks *Kernels) dequantize(dst []float32, stride int, w *operand, r, rows, c, cols int) {
	if w.by != nil && w.by.Widen != nil && rows > 0 && cols > 0 && cols%16 == 0 {
		at := &w.elements
		_, _ = at.At(r+rows-1, c+cols-1), dst[(rows-1)*stride+cols-1]
		for j := 0; j < cols; j += 16 {
			w.by.Widen(rows, &dst[j], stride, at.At(r, c+j), w.Stride)
		}
		return
	}
	if l, ok := w.Layout.(PathLayout); ok {
		l.DequantizeBy(ks.Name, dst, stride, w.Matrix, r, rows, c, cols)
		return
	}
	w.Layout.Dequantize(dst, stride, w.Matrix, r, rows, c, cols)
}

// packPanel lays columns [c, c+cols) and steps [k0, k0+kc) of w out with nr columns side by side for each k.
func (ks *Kernels) packPanel(s *Scratch, panel []float32, w *operand, form Form, c, cols, k0, kc int) {
	if cols < ks.NR {
		clear(panel[:kc*ks.NR])
	}
	switch {
	case form&TransW == 0:
		ks.dequantize(panel, ks.NR, w, k0, kc, c, cols)
	case w.by != nil:
		w.by.Pack(panel, ks.NR, w.Matrix, c, cols, k0, kc)
	default:
		rows := Grow(&s.rows, cols*kc)
		ks.dequantize(rows, kc, w, c, cols, k0, kc)
		ks.packF32(panel, ks.NR, Matrix{Layout: F32, F32: rows, Rows: cols, Cols: kc, Stride: kc}, 0, cols, 0, kc)
	}
}

// packF32 is PackFunc for a matrix of float32.
func (ks *Kernels) packF32(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	ks.routines(F32).Pack(dst, nr, m, r, rows, c, cols)
}
