package qgemm

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

// dequantizeBlockFunc dequantizes a block of packed weights, 32 rows and 32 steps of each: see dequantizeInt8AVX2.
type dequantizeBlockFunc func(w *byte, scales, zeros, dst *float32, stride int)

// dequantizeScratch is the working memory of dequantizeBy: what a routine of a table is given would else be allocated each time.
type dequantizeScratch struct {
	scales, zeros [panelCols]float32
	block         [panelCols * blockSteps]float32 // one that is cut
}

var dequantizeWork = sync.Pool{New: func() any { return new(dequantizeScratch) }}

// dequantizeBy is Dequantize, whole blocks by a routine of ks where it has one.
func (p *PackedWeights) dequantizeBy(ks *Kernels, dst []float32, stride, r, rows, c, cols int) {
	form := p.form()
	routine := form.kernels(ks).dequantize
	if routine == nil {
		p.Dequantize(dst, stride, gemm.Matrix{}, r, rows, c, cols)
		return
	}
	s := dequantizeWork.Get().(*dequantizeScratch)
	defer dequantizeWork.Put(s)
	for at := r; at < r+rows; {
		i, n := at/panelCols, min(panelCols-at%panelCols, r+rows-at)
		weights, scales, beside := p.panel(i)
		for k := c; k < c+cols; {
			b, m := k/blockSteps, min(blockSteps-k%blockSteps, c+cols-k)
			for c := range panelCols {
				scale, zero := form.scaleOf(p, scales, beside, b, c)
				s.scales[c], s.zeros[c] = scale, float32(zero)
			}
			out := dst[(at-r)*stride+k-c:]
			if w := &weights[b*p.blockBytes()]; n == panelCols && m == blockSteps {
				_ = out[(panelCols-1)*stride+blockSteps-1]
				routine(w, &s.scales[0], &s.zeros[0], &out[0], stride)
			} else {
				routine(w, &s.scales[0], &s.zeros[0], &s.block[0], blockSteps)
				for row := range n {
					copy(out[row*stride:][:m], s.block[(at%panelCols+row)*blockSteps+k%blockSteps:])
				}
			}
			k += m
		}
		at += n
	}
}
