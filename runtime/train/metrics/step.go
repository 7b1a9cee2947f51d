package metrics

import "math"

// steps are the distances of scores that people give: 1, or as many parts of it as these.
var stepParts = []float64{1, 2, 4, 5, 10, 20, 50, 100, 200, 500, 1000}

// Step is the distance of the classes of scores: the largest of 1, 1/2, 1/4, 1/5, 1/10, ... 1/1000 that all are multiples of,
// or 0 where none is. Half marks have 0.5, whole ones 1, and so have tens: that three pictures got 20, 40 and 80 does not say
// that nobody gives 45.
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

// step is the one that the options say, or that of the scores.
func (o Options) step(scores []float64) float64 {
	if o.Step > 0 {
		return o.Step
	}
	return Step(scores)
}

// classOf is the class of a score: its place on a ladder of steps, rounded, halves to even as numpy's rint does. With a
// step of 0 it is the score itself. Nothing is clamped: a score beyond the others is a class beyond theirs.
func classOf(v, step float64) float64 {
	if step == 0 {
		return v
	}
	return math.RoundToEven(v / step)
}
