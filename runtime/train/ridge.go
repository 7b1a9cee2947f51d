package train

import (
	"errors"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// penalties are the ridge penalties to choose from, relative to the mean squared norm of the features.
var penalties = []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100}

// ridge is a linear fit of one target to features in closed form (Hoerl and Kennard, Ridge Regression).
type ridge struct {
	weight  []float64 // by feature
	bias    float64
	penalty float64
	left    float64 // the leave-one-out mean squared error over pictures
}

// fitRidge fits each column of y, (records, targets), to x, (records, features). picture numbers the picture of each
// record, from 0 without a gap. Every picture has the weight 1, which its records share. Each target takes the penalty of
// the least leave-one-out mean squared error over pictures. That error needs no refit: the residuals of a fit without some
// records are (1 - H)⁻¹ e, from their residuals e and their block H of the hat matrix.
func fitRidge(e *kernels.Engine, x, y [][]float64, picture []int) ([]*ridge, error) {
	w := shares(picture)
	if len(w.records) < 3 {
		return nil, errors.New("a head can be fitted to 3 pictures or more")
	}
	xs, means := w.centered(x)
	ys, offsets := w.centered(y)
	s := newGram(e, xs, w)
	columns := transposed(ys)
	best := make([]*ridge, len(columns))
	for _, part := range penalties {
		for t, f := range s.fit(e, xs, columns, part*s.scale) {
			if f != nil && (best[t] == nil || f.left < best[t].left) {
				best[t] = f
			}
		}
	}
	for t, f := range best {
		if f == nil {
			return nil, errors.New("what the head sees of the pictures is not finite, or the same for all")
		}
		f.bias = offsets[t] - dot(f.weight, means)
	}
	return best, nil
}

// recordWeights are the square roots of the records' weights, since residuals are squared. The records of a picture share
// its weight of 1.
type recordWeights struct {
	root    []float64 // of each record
	records [][]int   // of each picture
}

func shares(picture []int) *recordWeights {
	w := &recordWeights{}
	for i, p := range picture {
		for len(w.records) <= p {
			w.records = append(w.records, nil)
		}
		w.records[p] = append(w.records[p], i)
	}
	for _, p := range picture {
		w.root = append(w.root, math.Sqrt(1/float64(len(w.records[p]))))
	}
	return w
}

// centered is x minus the mean of each column, with each row times the root of its weight. It also returns the means.
func (w *recordWeights) centered(x [][]float64) (out [][]float64, means []float64) {
	means = make([]float64, len(x[0]))
	for i, row := range x {
		weight := float64(w.root[i] * w.root[i])
		for c, v := range row {
			means[c] += float64(weight * v)
		}
	}
	for c := range means {
		means[c] /= float64(len(w.records))
	}
	for i, row := range x {
		to := make([]float64, len(row))
		for c, v := range row {
			to[c] = float64(w.root[i] * (v - means[c]))
		}
		out = append(out, to)
	}
	return out, means
}

// gram is XXᵀ, or XᵀX where there are fewer features than records.
type gram struct {
	symmetric
	w        *recordWeights
	byRecord bool
	scale    float64 // the mean square of a picture's length
}

func newGram(e *kernels.Engine, x [][]float64, w *recordWeights) *gram {
	g := &gram{byRecord: len(x) <= len(x[0]), w: w}
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
	g.scale /= float64(len(w.records))
	if g.byRecord { // scale in the direction of the mean, which was subtracted: see outside
		for i := range g.n {
			for j := range i + 1 {
				g.row(i)[j] += float64(g.scale * float64(w.root[i]*w.root[j]))
			}
		}
	}
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

// fit fits each column to xs, all centered, with one penalty; nil: that cannot be computed.
func (g *gram) fit(e *kernels.Engine, xs, columns [][]float64, penalty float64) []*ridge {
	out := make([]*ridge, len(columns))
	l, ok := g.factor(penalty)
	if !ok {
		return out
	}
	residuals := make([][]float64, len(columns))
	for t, y := range columns {
		f := &ridge{penalty: penalty}
		residuals[t] = make([]float64, len(xs))
		if g.byRecord { // w = Xᵀ a with a = (XXᵀ + λ)⁻¹ y, and y - Xw = λ a
			a := append([]float64(nil), y...)
			l.solve(a)
			f.weight = combined(xs, a)
			for i, v := range a {
				residuals[t][i] = float64(penalty * v)
			}
		} else { // w = (XᵀX + λ)⁻¹ Xᵀ y
			f.weight = combined(xs, y)
			l.solve(f.weight)
			for i, x := range xs {
				residuals[t][i] = y[i] - dot(x, f.weight)
			}
		}
		out[t] = f
	}
	g.leaveOneOut(e, l, xs, penalty, residuals)
	for t, row := range residuals {
		sum := 0.0
		for _, d := range row {
			sum += float64(d * d)
		}
		out[t].left = sum / float64(len(g.w.records))
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			out[t] = nil
		}
	}
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
