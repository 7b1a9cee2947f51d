package lens

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// folds is in how many parts pictures are divided to be held against.
const folds = 5

// probePenalties are the ridge parameters to choose from, on features of variance 1, for each sample.
var probePenalties = []float64{1e-4, 1e-3, 1e-2, 1e-1, 1, 10}

// samples are rows of features, each with what is to be read off it and the picture that it comes from.
type samples struct {
	x, y    [][]float64
	picture []int
}

func (s *samples) add(picture int, x []float32, y []float64) {
	row := make([]float64, 1, len(x)+1)
	row[0] = 1
	for _, v := range x {
		row = append(row, float64(v))
	}
	s.x, s.y, s.picture = append(s.x, row), append(s.y, y), append(s.picture, picture)
}

// explained is, for each target, the R² of ridge regressions over the samples of pictures that they were not fitted to.
func (s *samples) explained() ([]float64, error) {
	s.standardise()
	var parts [folds]normal
	for f := range parts {
		parts[f] = s.normal(f)
	}
	targets := len(s.y[0])
	residual := make([]float64, targets)
	for f := range folds {
		check := (f + 1) % folds
		penalty, err := s.choose(sumOf(parts[:], f, check), check)
		if err != nil {
			return nil, err
		}
		w, err := sumOf(parts[:], f, f).solve(penalty)
		if err != nil {
			return nil, err
		}
		for t, e := range s.errors(w, f) {
			residual[t] += e
		}
	}
	out := make([]float64, targets)
	for t := range out {
		mean, total := 0.0, 0.0
		for _, y := range s.y {
			mean += y[t] / float64(len(s.y))
		}
		for _, y := range s.y {
			total += (y[t] - mean) * (y[t] - mean)
		}
		out[t] = 1 - residual[t]/total
	}
	return out, nil
}

// standardise gives every feature but the constant mean 0 and variance 1; one that never varies becomes 0.
func (s *samples) standardise() {
	n := float64(len(s.x))
	for c := 1; c < len(s.x[0]); c++ {
		mean, square := 0.0, 0.0
		for _, x := range s.x {
			mean += x[c] / n
		}
		for _, x := range s.x {
			square += (x[c] - mean) * (x[c] - mean) / n
		}
		factor := 0.0
		if square > 0 {
			factor = 1 / math.Sqrt(square)
		}
		for _, x := range s.x {
			x[c] = (x[c] - mean) * factor
		}
	}
}

// normal is the normal equations of some samples: XᵀX, XᵀY and their number.
type normal struct {
	xx, xy *mat.Dense
	n      int
}

// rows are the samples of a fold, as matrices; nil where there are none.
func (s *samples) rows(fold int) (x, y *mat.Dense) {
	var xs, ys []float64
	for i, p := range s.picture {
		if p%folds == fold {
			xs, ys = append(xs, s.x[i]...), append(ys, s.y[i]...)
		}
	}
	n := len(xs) / len(s.x[0])
	return mat.NewDense(n, len(s.x[0]), xs), mat.NewDense(n, len(s.y[0]), ys)
}

func (s *samples) normal(fold int) normal {
	x, y := s.rows(fold)
	var xx, xy mat.Dense
	xx.Mul(x.T(), x)
	xy.Mul(x.T(), y)
	n, _ := x.Dims()
	return normal{&xx, &xy, n}
}

// sumOf adds the parts but two, which may be the same.
func sumOf(parts []normal, without, and int) normal {
	r, c := parts[0].xy.Dims()
	sum := normal{mat.NewDense(r, r, nil), mat.NewDense(r, c, nil), 0}
	for f, p := range parts {
		if f != without && f != and {
			sum.xx.Add(sum.xx, p.xx)
			sum.xy.Add(sum.xy, p.xy)
			sum.n += p.n
		}
	}
	return sum
}

// solve is the weights, (features, targets); the constant has no penalty.
func (n normal) solve(penalty float64) (*mat.Dense, error) {
	size, _ := n.xx.Dims()
	a := mat.NewSymDense(size, nil)
	for i := range size {
		for j := i; j < size; j++ {
			a.SetSym(i, j, n.xx.At(i, j))
		}
		if i > 0 {
			a.SetSym(i, i, a.At(i, i)+penalty*float64(n.n))
		}
	}
	var c mat.Cholesky
	if !c.Factorize(a) {
		return nil, errors.New("the regression has no solution: what passes there is not finite")
	}
	var w mat.Dense
	return &w, c.SolveTo(&w, n.xy)
}

// choose is the penalty whose map makes the least error on a fold, each target by its own spread there.
func (s *samples) choose(of normal, fold int) (best float64, err error) {
	least := math.Inf(1)
	for _, penalty := range probePenalties {
		w, err := of.solve(penalty)
		if err != nil {
			return 0, err
		}
		sum := 0.0
		for _, e := range s.errors(w, fold) {
			sum += e
		}
		if sum < least {
			least, best = sum, penalty
		}
	}
	return best, nil
}

// errors are the squared errors of a map over the samples of a fold, added up, for each target.
func (s *samples) errors(w *mat.Dense, fold int) []float64 {
	x, y := s.rows(fold)
	var d mat.Dense
	d.Mul(x, w)
	d.Sub(&d, y)
	n, targets := d.Dims()
	out := make([]float64, targets)
	for i := range n {
		for t := range out {
			out[t] += d.At(i, t) * d.At(i, t)
		}
	}
	return out
}
