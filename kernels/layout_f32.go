package kernels

// F32 is the [Layout] of float32 numbers, row after row, in the F32 of a [Matrix].
var F32 float32Layout

type float32Layout struct{}

func (float32Layout) Bytes(m Matrix) int { return 4 * m.Rows * m.Cols }

func (float32Layout) Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		copy(dst[i*stride:][:cols], m.F32[(r+i)*m.Stride+c:][:cols])
	}
}

func (l float32Layout) dequantizeBy(p *path, dst []float32, stride int, m Matrix, r, rows, c, cols int) {
	if !p.widenBy(l, dst, stride, m, r, rows, c, cols) {
		l.Dequantize(dst, stride, m, r, rows, c, cols)
	}
}

func (float32Layout) elements(m Matrix) elements { return elementsOf(m.F32, m.Stride) }

func (float32Layout) routines(p *path) *denseRoutines { return &p.f32 }

func (float32Layout) pack(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j, v := range m.F32[(r+i)*m.Stride+c:][:cols] {
			dst[j*nr+i] = v
		}
	}
}
