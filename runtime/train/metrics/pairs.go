package metrics

import (
	"errors"
	"fmt"
	"math"
)

// Pairs are scores of the same pictures in the same order: Truth as people gave them, Predicted as the model did.
type Pairs struct {
	Truth, Predicted []float64
}

// check refuses pairs from which nothing could be said: none, two lengths, a score that is NaN or infinite.
func (p Pairs) check() error {
	if len(p.Truth) != len(p.Predicted) {
		return fmt.Errorf("metrics: %d true scores but %d predicted ones: give one of each a picture", len(p.Truth), len(p.Predicted))
	}
	if len(p.Truth) == 0 {
		return errors.New("metrics: no pairs of scores: give one at least")
	}
	for i := range p.Truth {
		if !finite(p.Truth[i]) || !finite(p.Predicted[i]) {
			return fmt.Errorf("metrics: pair %d is (%v, %v): give finite scores", i+1, p.Truth[i], p.Predicted[i])
		}
	}
	return nil
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// equal reports whether all values are the same; it is true of none.
func equal(values []float64) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}
