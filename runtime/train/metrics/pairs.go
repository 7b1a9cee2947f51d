package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Pairs are scores of the same pictures in the same order: Truth by people, Predicted by the model.
type Pairs struct {
	Truth, Predicted []float64
}

// Scores beyond maxScore are refused, and scores that differ by less than minSpan count as equal. Within these bounds no
// product of four differences overflows or underflows float64.
const (
	maxScore = 1e70
	minSpan  = 1e-70
)

// check refuses empty pairs, lists of different lengths, and scores that are NaN, infinite or beyond maxScore.
func (p Pairs) check() error {
	if len(p.Truth) != len(p.Predicted) {
		return fmt.Errorf("metrics: %d true scores but %d predicted ones: give one of each a picture", len(p.Truth), len(p.Predicted))
	}
	if len(p.Truth) == 0 {
		return errors.New("metrics: no pairs of scores: give one at least")
	}
	for i := range p.Truth {
		if !usable(p.Truth[i]) || !usable(p.Predicted[i]) {
			return fmt.Errorf("metrics: pair %d is (%v, %v): give finite scores, none beyond %v", i+1, p.Truth[i], p.Predicted[i], maxScore)
		}
	}
	return nil
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// usable reports whether x can be a score.
func usable(x float64) bool { return math.Abs(x) <= maxScore } // which NaN is not

// constant is the difference, relative to the largest value, below which values count as equal up to rounding. The
// standardization of a target has the same threshold.
const constant = 1e-9

// equal reports whether values are all the same up to rounding. There must be at least one.
func equal(values []float64) bool {
	low, high := slices.Min(values), slices.Max(values)
	return high-low < max(minSpan, constant*max(math.Abs(low), math.Abs(high)))
}

// Correlation is Pearson's coefficient of two lists of the same length; false: it is not defined, for example because one
// list is constant.
func Correlation(x, y []float64) (r float64, defined bool) {
	r, reason := correlation(x, y)
	return r, reason == ""
}
