package kernels

import "sync"

// widenBlockFunc widens a block of quantized weights, 32 rows and 32 steps of each: see widenInt8AVX2.
type widenBlockFunc func(w *byte, steps, zeros, dst *float32, stride int)

// widenScratch is the working memory of widenRows: what a routine of a table is given would else be allocated each time.
type widenScratch struct {
	steps, zeros [panelCols]float32
	block        [panelCols * blockSteps]float32 // one that is cut
}

var widenWork = sync.Pool{New: func() any { return new(widenScratch) }}

// widenRows sets dst, whose rows are stride apart, to columns [c, c+cols) of rows [r, r+rows) of p, which are exact in float32: whole
// blocks by a routine where there is one.
func (p *Panels) widenRows(routine widenBlockFunc, dst []float32, stride, r, rows, c, cols int) {
	if routine == nil {
		p.Dequantize(dst, stride, Matrix{}, r, rows, c, cols)
		return
	}
	s := widenWork.Get().(*widenScratch)
	defer widenWork.Put(s)
	for at := r; at < r+rows; {
		i, n := at/panelCols, min(panelCols-at%panelCols, r+rows-at)
		weights, scales, more := p.panel(i)
		for k := c; k < c+cols; {
			b, m := k/blockSteps, min(blockSteps-k%blockSteps, c+cols-k)
			for c := range panelCols {
				step, zero := p.stepOf(scales, more, b, c)
				s.steps[c], s.zeros[c] = step, float32(zero)
			}
			out := dst[(at-r)*stride+k-c:]
			if w := &weights[b*p.blockBytes()]; n == panelCols && m == blockSteps {
				_ = out[(panelCols-1)*stride+blockSteps-1]
				routine(w, &s.steps[0], &s.zeros[0], &out[0], stride)
			} else {
				routine(w, &s.steps[0], &s.zeros[0], &s.block[0], blockSteps)
				for row := range n {
					copy(out[row*stride:][:m], s.block[(at%panelCols+row)*blockSteps+k%blockSteps:])
				}
			}
			k += m
		}
		at += n
	}
}
