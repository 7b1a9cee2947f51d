package train

import (
	"errors"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// penalties are the ridge parameters to choose from, as parts of the mean square of the features' length.
var penalties = []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100}

// ridge is a linear fit of targets to features in closed form (Hoerl and Kennard, Ridge Regression).
type ridge struct {
	weight  [][]float64 // of each target, by feature
	bias    []float64
	penalty float64
	left    []float64 // of each target: the mean squared error over records that the fit is made without, one at a time
}

// fitRidge fits y, (records, targets), to x, (records, features), with the penalty of those in penalties whose mean squared
// error over records left out, one at a time, is the least; no record has to be left out for that, since
// what the fit would say without record i follows from its residual and its leverage h: residual / (1 - h).
func fitRidge(e *kernels.Engine, x, y [][]float64) (*ridge, error) {
	if len(x) < 3 {
		return nil, errors.New("a head can be fitted to 3 pictures or more")
	}
	xs, means := centred(x)
	ys, offsets := centred(y)
	s := newGram(e, xs)
	var found *ridge
	for _, part := range penalties {
		f := s.fit(e, xs, ys, part*s.scale)
		if f != nil && (found == nil || total(f.left) < total(found.left)) {
			found = f
		}
	}
	if found == nil {
		return nil, errors.New("what the head sees of the pictures is not finite, or the same for all")
	}
	for t, w := range found.weight {
		found.bias = append(found.bias, offsets[t]-dot(w, means))
	}
	return found, nil
}

func total(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum
}

// centred is x without the mean of each column, and these means.
func centred(x [][]float64) (out [][]float64, means []float64) {
	means = make([]float64, len(x[0]))
	for _, row := range x {
		for c, v := range row {
			means[c] += v
		}
	}
	for c := range means {
		means[c] /= float64(len(x))
	}
	for _, row := range x {
		to := make([]float64, len(row))
		for c, v := range row {
			to[c] = v - means[c]
		}
		out = append(out, to)
	}
	return out, means
}

// gram is XXᵀ, or XᵀX where there are fewer features than records.
type gram struct {
	symmetric
	byRecord bool
	scale    float64 // the mean square of a record's length
}

func newGram(e *kernels.Engine, x [][]float64) *gram {
	g := &gram{byRecord: len(x) <= len(x[0])}
	of := x
	if !g.byRecord {
		of = transposed(x)
	}
	g.symmetric = newSymmetric(len(of))
	e.For(g.n, 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range i + 1 {
				g.row(i)[j] = dot(of[i], of[j])
			}
		}
	})
	for i := range g.n {
		g.scale += g.row(i)[i]
	}
	g.scale /= float64(len(x))
	return g
}

func transposed(x [][]float64) [][]float64 {
	out := make([][]float64, len(x[0]))
	for c := range out {
		out[c] = make([]float64, len(x))
		for r, row := range x {
			out[c][r] = row[c]
		}
	}
	return out
}

// fit is the fit of ys to xs, both centred, with one penalty; nil where that cannot be computed.
func (g *gram) fit(e *kernels.Engine, xs, ys [][]float64, penalty float64) *ridge {
	l, ok := g.factor(penalty)
	if !ok {
		return nil
	}
	f := &ridge{penalty: penalty}
	columns := transposed(ys)
	for _, y := range columns {
		if g.byRecord { // w = Xᵀ (XXᵀ + λ)⁻¹ y
			a := append([]float64(nil), y...)
			l.solve(a)
			f.weight = append(f.weight, combined(xs, a))
		} else { // w = (XᵀX + λ)⁻¹ Xᵀ y
			w := combined(xs, y)
			l.solve(w)
			f.weight = append(f.weight, w)
		}
	}
	leverage := g.leverages(e, l, xs, penalty)
	for t, y := range columns {
		sum := 0.0
		for i, x := range xs {
			d := (y[i] - dot(x, f.weight[t])) / max(1-leverage[i], 1e-12)
			sum += float64(d * d)
		}
		f.left = append(f.left, sum/float64(len(xs)))
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return nil
		}
	}
	return f
}

// leverages are the diagonal of X (XᵀX + λ)⁻¹ Xᵀ, and of the mean that was taken away, 1/n.
func (g *gram) leverages(e *kernels.Engine, l symmetric, xs [][]float64, penalty float64) []float64 {
	out := make([]float64, len(xs))
	e.For(len(xs), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			b := make([]float64, g.n)
			if g.byRecord { // 1 - λ (XXᵀ + λ)⁻¹, whose diagonal is the squared length of a column of L⁻¹
				b[i] = 1
				l.forward(b)
				out[i] = 1 - float64(penalty*dot(b, b))
			} else {
				copy(b, xs[i])
				l.forward(b)
				out[i] = dot(b, b)
			}
			out[i] += 1 / float64(len(xs))
		}
	})
	return out
}

// combined is the sum of rows, each times its factor.
func combined(rows [][]float64, factors []float64) []float64 {
	out := make([]float64, len(rows[0]))
	for i, row := range rows {
		for c, v := range row {
			out[c] += float64(factors[i] * v)
		}
	}
	return out
}
