package train

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// leaveOut makes of each record's residual, by target, what it would be for a fit without its picture. l is the factor of the
// gram with the penalty.
func (g *gram) leaveOut(e *kernels.Engine, l symmetric, xs [][]float64, penalty float64, residuals [][]float64) {
	e.For(len(g.w.records), 1, func(lo, hi int) {
		for p := lo; p < hi; p++ {
			of := g.w.records[p]
			rest := g.outside(l, xs, penalty, of)
			if len(of) == 1 {
				for _, row := range residuals {
					row[of[0]] /= max(rest.row(0)[0], 1e-12)
				}
				continue
			}
			f, ok := rest.factor(0)
			for _, row := range residuals {
				own := make([]float64, len(of))
				for k, i := range of {
					if own[k] = row[i]; !ok {
						own[k] = math.NaN() // without this picture nothing is left to fit
					}
				}
				if ok {
					f.solve(own)
				}
				for k, i := range of {
					row[i] = own[k]
				}
			}
		}
	})
}

// outside is 1 - H of some records: their block of the hat matrix, which is X (XᵀX + λ)⁻¹ Xᵀ and, for the mean that was taken
// away, the product of their weights' roots over the number of pictures. Of one record it is 1 less its leverage.
//
// Where the gram is by record, 1 - X (XᵀX + λ)⁻¹ Xᵀ is λ (XXᵀ + λ)⁻¹. On the direction of the mean that is 1, from which the
// mean's own 1 is to be taken; what is left may be a millionth of that, and would be lost in the rounding. So the gram has been
// given a large value there, and only what that leaves is taken away.
func (g *gram) outside(l symmetric, xs [][]float64, penalty float64, of []int) symmetric {
	half := make([][]float64, len(of)) // L⁻¹ times the record's column
	for k, i := range of {
		half[k] = make([]float64, g.n)
		if g.byRecord {
			half[k][i] = 1
		} else {
			copy(half[k], xs[i])
		}
		l.forward(half[k])
	}
	pictures := float64(len(g.w.records))
	left := penalty / (float64(g.scale*pictures) + penalty)
	out := newSymmetric(len(of))
	for a, i := range of {
		for b := range a + 1 {
			mean := float64(g.w.root[i]*g.w.root[of[b]]) / pictures
			if g.byRecord {
				out.row(a)[b] = float64(penalty*dot(half[a], half[b])) - float64(left*mean)
				continue
			}
			own := 0.0
			if a == b {
				own = 1
			}
			out.row(a)[b] = own - (dot(half[a], half[b]) + mean)
		}
	}
	return out
}
