package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Pairs are scores of the same pictures in the same order: Truth as people gave them, Predicted as the model did.
type Pairs struct {
	Truth, Predicted []float64
}

// Scores beyond maxScore are refused, and scores that differ by less than minSpan count as equal. Between the two no product
// of four differences leaves float64, so no statistic is wrong in silence.
const (
	maxScore = 1e70
	minSpan  = 1e-70
)

// check refuses pairs from which nothing could be said: none, two lengths, a score that is NaN, infinite or beyond maxScore.
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

// constant is how little values differ, beside the largest of them, where they are all the same but for rounding. The
// standardization of a target has the same threshold.
const constant = 1e-9

// equal reports whether values, one at least, are all the same: a correlation of rounding errors is no correlation.
func equal(values []float64) bool {
	low, high := slices.Min(values), slices.Max(values)
	return high-low < max(minSpan, constant*max(math.Abs(low), math.Abs(high)))
}

// Correlation is Pearson's coefficient of two lists of as many numbers; false where it is not defined, as where either's are
// all equal.
func Correlation(x, y []float64) (r float64, defined bool) {
	r, reason := correlation(x, y)
	return r, reason == ""
}
