package metrics

import "math"

// stepParts are the denominators of steps between scores that people give: 1, 1/2, 1/4, ...
var stepParts = []float64{1, 2, 4, 5, 10, 20, 50, 100, 200, 500, 1000}

// Step is the step between classes of scores: the largest of 1, 1/2, 1/4, 1/5, 1/10, ... 1/1000 that divides all scores, or
// 0 if none does. Half marks give 0.5 and whole ones 1. So do multiples of ten: three pictures with 20, 40 and 80 do not
// show that nobody gives 45.
func Step(scores []float64) float64 {
	for _, parts := range stepParts {
		multiples := true
		for _, v := range scores {
			if at := float64(v * parts); math.Abs(at-math.Round(at)) > min(1e-9*max(1, math.Abs(at)), 1e-3) {
				multiples = false
				break
			}
		}
		if multiples {
			return 1 / parts
		}
	}
	return 0
}

// step is the step of the options, or else that of the scores.
func (o Options) step(scores []float64) float64 {
	if o.Step > 0 {
		return o.Step
	}
	return Step(scores)
}

// classOf is the class of a score: the score divided by step and rounded, halves to even as in numpy's rint. With a step of
// 0 it is the score itself. Nothing is clamped.
func classOf(v, step float64) float64 {
	if step == 0 {
		return v
	}
	return math.RoundToEven(v / step)
}
