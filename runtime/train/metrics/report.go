package metrics

import (
	"errors"
	"fmt"
	"math"
)

// DefaultResamples is how many resamples an interval rests on where Options does not say.
const DefaultResamples = 2000

// Options say what Evaluate needs beside the pairs; the zero value is ready for use.
type Options struct {
	// Min and Max bound the classes of kappa, as score_head.json bounds the scores. Equal, they bound nothing.
	Min, Max float64
	// TrainMean is what the baseline predicts: the mean of the scores that were learned from. Nil: the true scores' mean,
	// taken anew in each resample.
	TrainMean *float64
	// Resamples of the pairs; 0 is DefaultResamples, a negative number none, and no intervals.
	Resamples int
	// Seed of the resamples. One seed, one report.
	Seed uint64
}

// check refuses options that mean nothing.
func (o Options) check() error {
	switch {
	case !finite(o.Min) || !finite(o.Max) || o.Min > o.Max:
		return fmt.Errorf("metrics: scores from %v to %v: give finite bounds, the lower first", o.Min, o.Max)
	case o.Min != o.Max && math.Ceil(o.Min) > math.Floor(o.Max):
		return fmt.Errorf("metrics: no whole number lies between %v and %v: scale the scores so that kappa has classes", o.Min, o.Max)
	case o.TrainMean != nil && !usable(*o.TrainMean):
		return fmt.Errorf("metrics: the training mean is %v: give a finite one, not beyond %v", *o.TrainMean, maxScore)
	}
	return nil
}

// resamples is the number of resamples to draw.
func (o Options) resamples() int {
	if o.Resamples == 0 {
		return DefaultResamples
	}
	return max(o.Resamples, 0)
}

// Report is what eval prints: N pairs, their statistics.
type Report struct {
	N        int      `json:"n"`
	Pearson  Estimate `json:"pearson"`
	Spearman Estimate `json:"spearman"`
	MAE      Estimate `json:"mae"`
	RMSE     Estimate `json:"rmse"`
	R2       Estimate `json:"r2"`
	QWK      Estimate `json:"qwk"`
	ICC      Estimate `json:"icc"`
	Baseline Estimate `json:"baseline_mae"`
}

// Evaluate computes every statistic of the pairs, all on the same resamples. Undefined in a sample, and left out of the
// interval where that sample is a resample, are: Pearson and Spearman, R2 and ICC of one pair; Pearson and Spearman where
// either side's scores are all equal; R2 where the true ones are (scikit-learn gives 1 or 0); QWK where all classes are one;
// ICC where neither the pictures' sums nor the raters differ. Scores beyond 1e70 are an error; less than 1e-70 apart they
// count as equal.
func Evaluate(p Pairs, o Options) (Report, error) {
	if err := errors.Join(p.check(), o.check()); err != nil {
		return Report{}, err
	}
	n := len(p.Truth)
	whole := &sample{newColumn(p.Truth, o), newColumn(p.Predicted, o), o.TrainMean}
	part := &sample{blank(n, len(whole.truth.count)), blank(n, len(whole.predicted.count)), o.TrainMean}

	r := Report{N: n}
	rows := []struct {
		to *Estimate
		of statistic
	}{
		{&r.Pearson, pearson}, {&r.Spearman, spearman}, {&r.MAE, mae}, {&r.RMSE, rmse},
		{&r.R2, r2}, {&r.QWK, qwk}, {&r.ICC, icc}, {&r.Baseline, baseline},
	}
	resampled := make([][]float64, len(rows))
	draws := newResampler(n, o.Seed)
	for range o.resamples() {
		index := draws.next()
		part.truth.draw(whole.truth, index)
		part.predicted.draw(whole.predicted, index)
		for i, row := range rows {
			value, _ := row.of(part)
			resampled[i] = append(resampled[i], value)
		}
	}
	for i, row := range rows {
		value, reason := row.of(whole)
		*row.to = estimate(value, reason, resampled[i])
	}
	return r, nil
}

// MeanOf is the mean of one number a picture, such as the cosine of its two critiques, with its interval.
func MeanOf(values []float64, o Options) (Estimate, error) {
	p := Pairs{values, values}
	if err := errors.Join(p.check(), o.check()); err != nil {
		return Estimate{}, err
	}
	draws := newResampler(len(values), o.Seed)
	means := make([]float64, o.resamples())
	for i := range means {
		var sum float64
		for _, j := range draws.next() {
			sum += values[j]
		}
		means[i] = sum / float64(len(values))
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return estimate(sum/float64(len(values)), "", means), nil
}
