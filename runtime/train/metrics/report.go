package metrics

import (
	"context"
	"errors"
	"fmt"
)

// DefaultResamples is the number of resamples if Options does not say.
const DefaultResamples = 2000

// Options say what Evaluate needs beside the pairs. The zero value is ready to use.
type Options struct {
	// Step is the distance of kappa's classes; 0: the step of the true scores (see the function Step).
	Step float64
	// Group is the number of each pair's picture, from 0 without a gap. The pairs of a picture are drawn together. nil:
	// each pair is a picture of its own.
	Group []int
	// TrainMean is the baseline's prediction: the mean of the training scores. nil: the mean of the true scores, computed
	// anew in each resample.
	TrainMean *float64
	// Resamples of the pairs; 0 is DefaultResamples, a negative number none, and no intervals.
	Resamples int
	// Seed of the resamples. One seed, one report.
	Seed uint64
}

// check refuses options that mean nothing.
func (o Options) check() error {
	switch {
	case !finite(o.Step) || o.Step < 0:
		return fmt.Errorf("metrics: a step of %v between kappa's classes: give a finite number above 0", o.Step)
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

// Report is what eval prints: the statistics of N pairs.
type Report struct {
	N        int      `json:"n"`
	Pictures int      `json:"pictures"`
	Pearson  Estimate `json:"pearson"`
	Spearman Estimate `json:"spearman"`
	MAE      Estimate `json:"mae"`
	RMSE     Estimate `json:"rmse"`
	R2       Estimate `json:"r2"`
	QWK      Estimate `json:"qwk"`
	ICC      Estimate `json:"icc"`
	Baseline Estimate `json:"baseline_mae"`
	// QWKStep is the distance of kappa's classes; 0: the scores are not rounded, and kappa is Lin's concordance.
	QWKStep float64 `json:"qwk_step"`
}

// Evaluate computes every statistic of the pairs, all on the same resamples, which are of whole pictures (the cluster
// bootstrap: Davison and Hinkley, Bootstrap Methods and their Application, 3.8). These are not defined, and such a resample
// is left out of the interval: Pearson, Spearman, R2 and ICC of one pair; Pearson and Spearman if either side is constant;
// R2 if the true scores are constant (scikit-learn gives 1 or 0); QWK if there is one class; ICC if neither pictures nor
// raters differ. Scores beyond 1e70 are an error. Scores that differ by less than 1e-70, or by less than 1e-9 of the
// largest, count as equal. It stops between two resamples when ctx ends.
func Evaluate(ctx context.Context, p Pairs, o Options) (Report, error) {
	if err := errors.Join(p.check(), o.check()); err != nil {
		return Report{}, err
	}
	n, step := len(p.Truth), o.step(p.Truth)
	groups, err := groupsOf(o.Group, n)
	if err != nil {
		return Report{}, err
	}
	whole := &sample{newColumn(p.Truth, step), newColumn(p.Predicted, step), o.TrainMean}
	part := &sample{blank(n, len(whole.truth.count)), blank(n, len(whole.predicted.count)), o.TrainMean}

	r := Report{N: n, Pictures: len(groups), QWKStep: step}
	rows := []struct {
		to *Estimate
		of statistic
	}{
		{&r.Pearson, pearson}, {&r.Spearman, spearman}, {&r.MAE, mae}, {&r.RMSE, rmse},
		{&r.R2, r2}, {&r.QWK, qwk}, {&r.ICC, icc}, {&r.Baseline, baseline},
	}
	resampled := make([][]float64, len(rows))
	draws := newDraws(groups, o.Seed)
	for range o.resamples() {
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
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

// MeanOf is the mean of one number for each picture, such as the cosine of its two critiques, with its interval.
func MeanOf(ctx context.Context, values []float64, o Options) (Estimate, error) {
	p := Pairs{values, values}
	if err := errors.Join(p.check(), o.check()); err != nil {
		return Estimate{}, err
	}
	groups, err := groupsOf(o.Group, len(values))
	if err != nil {
		return Estimate{}, err
	}
	draws := newDraws(groups, o.Seed)
	means := make([]float64, o.resamples())
	for i := range means {
		if err := ctx.Err(); err != nil {
			return Estimate{}, err
		}
		var sum float64
		index := draws.next()
		for _, j := range index {
			sum += values[j]
		}
		means[i] = sum / float64(len(index))
	}
	var sum float64
	for _, v := range values {
		sum += v
	}
	return estimate(sum/float64(len(values)), "", means), nil
}
