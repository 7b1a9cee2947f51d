package metrics

import (
	"context"
	"fmt"
	"math"
)

// Agreement says how far the raters of the same pictures agree. The raters of one picture need not be those of another. It
// is over the pictures with at least two ratings.
type Agreement struct {
	Pictures int `json:"pictures"`
	Ratings  int `json:"ratings"`
	// ICC is ICC(1,1) of Shrout and Fleiss: one-way random effects, a single rater. For pictures with different numbers of
	// ratings it uses the mean number of Donner (1986).
	ICC Estimate `json:"icc"`
	// Kappa is Fleiss's kappa with quadratic weights, as extended by Gwet to different numbers of ratings: 1 minus the mean
	// squared difference between two ratings of a picture, divided by that between any two ratings.
	Kappa Estimate `json:"kappa"`
	Step  float64  `json:"step"` // of kappa's classes; 0: the ratings are not rounded
}

// Agree computes the agreement over the ratings of each picture; nil where no picture has two. Resamples are of pictures.
func Agree(ctx context.Context, ratings [][]float64, o Options) (*Agreement, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var of [][]float64
	var all []float64
	for i, r := range ratings {
		for _, v := range r {
			if !usable(v) {
				return nil, fmt.Errorf("metrics: picture %d has the rating %v: give finite ratings, none beyond %v", i+1, v, maxScore)
			}
		}
		if len(r) > 1 {
			of, all = append(of, r), append(all, r...)
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	a := &Agreement{Pictures: len(of), Ratings: len(all), Step: o.step(all)}
	classes := make([][]float64, len(of))
	for i, r := range of {
		for _, v := range r {
			classes[i] = append(classes[i], classOf(v, a.Step))
		}
	}
	var iccs, kappas []float64
	draws := newResampler(len(of), o.Seed)
	some, someClasses := make([][]float64, len(of)), make([][]float64, len(of))
	for range o.resamples() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, j := range draws.next() {
			some[i], someClasses[i] = of[j], classes[j]
		}
		icc, _ := oneWayICC(some)
		kappa, _ := fleissKappa(someClasses)
		iccs, kappas = append(iccs, icc), append(kappas, kappa)
	}
	value, reason := oneWayICC(of)
	a.ICC = estimate(value, reason, iccs)
	value, reason = fleissKappa(classes)
	a.Kappa = estimate(value, reason, kappas)
	return a, nil
}

// oneWayICC is (between - within) / (between + (k-1) within), from the mean squares between and within pictures. k is
// Donner's mean number of ratings, which corrects the expectation of the first for pictures with different numbers.
func oneWayICC(of [][]float64) (float64, string) {
	if len(of) < 2 {
		return math.NaN(), "one picture does not define it: two are needed"
	}
	n, squares, grand := 0.0, 0.0, 0.0
	for _, r := range of {
		n += float64(len(r))
		squares += float64(len(r) * len(r))
		for _, v := range r {
			grand += v
		}
	}
	grand /= n
	between, within := 0.0, 0.0
	for _, r := range of {
		m := mean(r)
		between += float64(len(r)) * (m - grand) * (m - grand)
		for _, v := range r {
			within += (v - m) * (v - m)
		}
	}
	pictures := float64(len(of))
	between /= pictures - 1
	within /= n - pictures
	k := (n - squares/n) / (pictures - 1)
	below := between + (k-1)*within
	if below < minSpan*minSpan {
		return math.NaN(), noVariation
	}
	return (between - within) / below, ""
}

// fleissKappa is 1 - observed / expected. observed is the squared difference between two ratings of one picture, averaged
// over its pairs and then over the pictures. expected is that between two ratings drawn from all, with the same weight for
// each picture.
func fleissKappa(of [][]float64) (float64, string) {
	observed, first := 0.0, 0.0
	for _, r := range of {
		first += mean(r) / float64(len(of))
	}
	spread := 0.0
	for _, r := range of {
		m, own, about := mean(r), 0.0, 0.0
		for _, v := range r {
			own += (v - m) * (v - m)
			about += (v - first) * (v - first)
		}
		observed += 2 * own / float64(len(r)-1) / float64(len(of))
		spread += about / float64(len(r)) / float64(len(of))
	}
	if spread < minSpan*minSpan {
		return math.NaN(), oneClass
	}
	return 1 - observed/(2*spread), ""
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
