package lens

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// folds is the number of folds of the cross-validation.
const folds = 5

// LeastPictures is the least number of pictures that a probe can be evaluated on.
const LeastPictures = 2 * folds

// probePenalties are the ridge parameters to choose from, on features of variance 1, for each sample.
var probePenalties = []float64{1e-4, 1e-3, 1e-2, 1e-1, 1, 10}

// flat is the standard deviation, relative to a feature's largest magnitude, below which the feature counts as constant:
// the rest is rounding.
const flat = 1e-6

// samples are rows of features, each with its targets (NaN: not known) and the picture that it comes from.
type samples struct {
	x, y    [][]float64
	picture []int
}

func (s *samples) add(picture int, x []float32, y []float64) {
	row := make([]float64, len(x))
	for i, v := range x {
		row[i] = float64(v)
	}
	s.x, s.y, s.picture = append(s.x, row), append(s.y, y), append(s.picture, picture)
}

// explained is the cross-validated R² of each target. Each target has its own penalty and its own samples: those that have
// it.
func (s *samples) explained() ([]float64, error) {
	out := make([]float64, len(s.y[0]))
	var order []string
	alike := map[string][]int{} // targets that the same samples tell have their sums computed once
	for t := range out {
		known := make([]byte, len(s.y))
		for i, y := range s.y {
			known[i] = map[bool]byte{true: '0', false: '1'}[math.IsNaN(y[t])]
		}
		if alike[string(known)] == nil {
			order = append(order, string(known))
		}
		alike[string(known)] = append(alike[string(known)], t)
	}
	for _, known := range order {
		targets := alike[known]
		found, err := s.problem(targets).explained()
		if err != nil {
			return nil, err
		}
		for i, t := range targets {
			out[t] = found[i]
		}
	}
	return out, nil
}

// problem is a group of targets that the same samples have, and these samples in folds.
type problem struct {
	s       *samples
	targets []int
	rows    [folds][]int // of the samples
	weight  []float64    // of each sample: 1 over those of its picture, so that a copy adds nothing
	sums    [folds]sums  // of features
	largest []float64    // magnitude of each feature
	origin  []float64    // what is taken off each feature before it is squared, against rounding alone
}

// sums are weighted sums over samples.
type sums struct {
	n  float64 // of weights
	x  []float64
	xx *mat.SymDense
}

// problem divides the samples that have the targets into folds by picture, in the order in which pictures first appear.
func (s *samples) problem(targets []int) *problem {
	cols := len(s.x[0])
	p := &problem{s: s, targets: targets, weight: make([]float64, len(s.x)), largest: make([]float64, cols), origin: make([]float64, cols)}
	number, of := map[int]int{}, map[int]float64{}
	for i, y := range s.y {
		if math.IsNaN(y[targets[0]]) {
			continue
		}
		if _, seen := number[s.picture[i]]; !seen {
			number[s.picture[i]] = len(number)
		}
		of[s.picture[i]]++
		fold := number[s.picture[i]] % folds
		p.rows[fold] = append(p.rows[fold], i)
	}
	p.each(-1, -1, func(i int) {
		p.weight[i] = 1 / of[s.picture[i]]
		for c, v := range s.x[i] {
			p.origin[c] += p.weight[i] * v / float64(len(number))
			p.largest[c] = max(p.largest[c], math.Abs(v))
		}
	})
	for f, rows := range p.rows {
		at := sums{x: make([]float64, cols), xx: mat.NewSymDense(cols, nil)}
		data := mat.NewDense(max(len(rows), 1), cols, nil) // weighed by the root, for its product with itself
		for n, i := range rows {
			root := math.Sqrt(p.weight[i])
			for c, v := range s.x[i] {
				v -= p.origin[c]
				at.x[c] += p.weight[i] * v
				data.Set(n, c, root*v)
			}
			at.n += p.weight[i]
		}
		at.xx.SymOuterK(1, data.T())
		p.sums[f] = at
	}
	return p
}

// each calls f with the samples of all folds but two, which may be the same.
func (p *problem) each(without, and int, f func(i int)) {
	for fold, rows := range p.rows {
		if fold != without && fold != and {
			for _, i := range rows {
				f(i)
			}
		}
	}
}

// explained is R² of each target, NaN where it does not vary.
func (p *problem) explained() ([]float64, error) {
	residual := make([]float64, len(p.targets))
	for f := range folds {
		penalties, err := p.choose(f)
		if err != nil {
			return nil, err
		}
		d := p.design(f, f)
		done := map[float64]bool{}
		for _, penalty := range penalties {
			if done[penalty] {
				continue
			}
			done[penalty] = true
			errors, err := d.errors(penalty, f)
			if err != nil {
				return nil, err
			}
			for t, e := range errors {
				if penalties[t] == penalty {
					residual[t] += e
				}
			}
		}
	}
	out := make([]float64, len(p.targets))
	for n, t := range p.targets {
		weight, mean, total := 0.0, 0.0, 0.0
		p.each(-1, -1, func(i int) {
			weight += p.weight[i]
			mean += p.weight[i] * p.s.y[i][t]
		})
		p.each(-1, -1, func(i int) {
			d := p.s.y[i][t] - mean/weight
			total += p.weight[i] * d * d
		})
		if out[n] = math.NaN(); total > 0 {
			out[n] = 1 - residual[n]/total
		}
	}
	return out, nil
}

// choose is the penalty of each target: the one with the least error on the next fold, fitted without that fold and without
// the given one.
func (p *problem) choose(without int) ([]float64, error) {
	check := (without + 1) % folds
	d := p.design(without, check)
	best, least := make([]float64, len(p.targets)), make([]float64, len(p.targets))
	for k, penalty := range probePenalties {
		errors, err := d.errors(penalty, check)
		if err != nil {
			return nil, err
		}
		for t, e := range errors {
			if k == 0 || e < least[t] {
				best[t], least[t] = penalty, e
			}
		}
	}
	return best, nil
}

// design is a regression over some folds, with features standardized on these folds.
type design struct {
	p           *problem
	mean, scale []float64     // of each feature; scale is 0 for one that does not vary
	xx          *mat.SymDense // covariance of the standardized features
	xy          *mat.Dense    // their covariance with each target
	targets     []float64     // means
}

// design is the one for all folds but two, which may be the same.
func (p *problem) design(without, and int) *design {
	cols := len(p.largest)
	d := &design{p: p, mean: make([]float64, cols), scale: make([]float64, cols), xx: mat.NewSymDense(cols, nil),
		xy: mat.NewDense(cols, len(p.targets), nil), targets: make([]float64, len(p.targets))}
	n := 0.0
	for i, part := range p.sums {
		if i != without && i != and {
			n += part.n
			d.xx.AddSym(d.xx, part.xx)
			for c, v := range part.x {
				d.mean[c] += v
			}
		}
	}
	for c := range d.mean {
		d.mean[c] /= n
		variance := d.xx.At(c, c)/n - d.mean[c]*d.mean[c]
		if variance > flat*flat*p.largest[c]*p.largest[c] {
			d.scale[c] = 1 / math.Sqrt(variance)
		}
	}
	for i := range cols {
		for j := i; j < cols; j++ {
			d.xx.SetSym(i, j, (d.xx.At(i, j)/n-d.mean[i]*d.mean[j])*d.scale[i]*d.scale[j])
		}
	}
	p.each(without, and, func(i int) {
		for k, t := range p.targets {
			d.targets[k] += p.weight[i] * p.s.y[i][t] / n
		}
	})
	for k, t := range p.targets {
		with := make([]float64, cols)
		p.each(without, and, func(i int) {
			by := p.weight[i] * (p.s.y[i][t] - d.targets[k]) / n
			for c, v := range p.s.x[i] {
				with[c] += by * d.feature(c, v)
			}
		})
		d.xy.SetCol(k, with)
	}
	return d
}

// feature is feature c, standardized.
func (d *design) feature(c int, v float64) float64 {
	return (v - d.p.origin[c] - d.mean[c]) * d.scale[c]
}

// solve is the weights, (features, targets), under a penalty. The mean has none.
func (d *design) solve(penalty float64) (*mat.Dense, error) {
	cols := len(d.mean)
	a := mat.NewSymDense(cols, nil)
	a.CopySym(d.xx)
	for c := range cols {
		a.SetSym(c, c, a.At(c, c)+penalty)
	}
	var factors mat.Cholesky
	if !factors.Factorize(a) {
		return nil, errors.New("the regression has no solution: what passes there is not finite")
	}
	var w mat.Dense
	return &w, factors.SolveTo(&w, d.xy)
}

// errors are the weighted sums of squared errors over the samples of a fold, for each target.
func (d *design) errors(penalty float64, on int) ([]float64, error) {
	w, err := d.solve(penalty)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(d.targets))
	for k, t := range d.p.targets {
		weights := mat.Col(nil, k, w)
		for _, i := range d.p.rows[on] {
			e := d.targets[k] - d.p.s.y[i][t]
			for c, v := range d.p.s.x[i] {
				e += d.feature(c, v) * weights[c]
			}
			out[k] += d.p.weight[i] * e * e
		}
	}
	return out, nil
}
