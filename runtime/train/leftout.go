package train

import (
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// leaveOneOut turns each record's residual, by target, into its leave-one-out residual: that of a fit without the record's
// picture. l is the factor of the gram with the penalty.
func (g *gram) leaveOneOut(e *kernels.Engine, l symmetric, xs [][]float64, penalty float64, residuals [][]float64) {
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

// outside is 1 - H for some records, where H is their block of the hat matrix: X (XᵀX + λ)⁻¹ Xᵀ plus, for the mean that was
// subtracted, the product of the roots of their weights over the number of pictures. For one record it is 1 minus its
// leverage.
//
// If the gram is by record, 1 - X (XᵀX + λ)⁻¹ Xᵀ is λ (XXᵀ + λ)⁻¹. In the direction of the mean that is 1, from which the
// mean's own 1 must be subtracted. What is left may be a millionth of 1 and would be lost in rounding. So fitRidge puts a
// large value there, and only the remainder is subtracted here.
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
