package kernels

// widenBlockFunc widens a block of quantised weights, 32 rows and 32 steps of each: see widenInt8AVX2.
type widenBlockFunc func(w *byte, steps, zeros, dst *float32, stride int)

// widenRows sets dst, whose rows are stride apart, to columns [c, c+cols) of rows [r, r+rows) of p, which are exact in float32: whole
// blocks by a routine where there is one.
func (p *Panels) widenRows(routine widenBlockFunc, dst []float32, stride, r, rows, c, cols int) {
	if routine == nil {
		for i := range rows {
			p.dequantise(dst[i*stride:][:cols], r+i, c)
		}
		return
	}
	var steps, zeros [panelCols]float32
	var block [panelCols * blockSteps]float32
	for at := r; at < r+rows; {
		i, n := at/panelCols, min(panelCols-at%panelCols, r+rows-at)
		weights, _, _ := p.panel(i)
		for k := c; k < c+cols; {
			b, m := k/blockSteps, min(blockSteps-k%blockSteps, c+cols-k)
			p.stepsOf(&steps, &zeros, i, b)
			out := dst[(at-r)*stride+k-c:]
			if w := &weights[b*p.blockBytes()]; n == panelCols && m == blockSteps {
				_ = out[(panelCols-1)*stride+blockSteps-1]
				routine(w, &steps[0], &zeros[0], &out[0], stride)
			} else {
				routine(w, &steps[0], &zeros[0], &block[0], blockSteps)
				for row := range n {
					copy(out[row*stride:][:m], block[(at%panelCols+row)*blockSteps+k%blockSteps:])
				}
			}
			k += m
		}
		at += n
	}
}

// stepsOf are the scales, multiples counted, and the zero points of the rows of panel i in a block.
func (p *Panels) stepsOf(steps, zeros *[panelCols]float32, i, block int) {
	_, scales, more := p.panel(i)
	group := block / p.per() * panelCols
	for c := range steps {
		step, zero := F16ToF32(scales[group+c]), p.zero()
		switch p.form() {
		case formInt4:
			step *= float32(int8(more[block*panelCols+c]))
		case formInt4Zeros:
			zero = int(more[group+c])
		}
		steps[c], zeros[c] = step, float32(zero)
	}
}
