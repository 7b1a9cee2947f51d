package metrics

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// Why a statistic may be undefined.
const (
	fewPairs       = "one pair does not define it: two are needed"
	equalTruth     = "all true scores are equal"
	equalPredicted = "all predicted scores are equal"
	oneClass       = "all true and predicted scores are of one class"
	noVariation    = "the scores do not vary between the pictures"
	noResample     = "no resample defines it"
)

// statistic is a number computed from a sample, or the reason why there is none.
type statistic func(s *sample) (value float64, reason string)

func pearson(s *sample) (float64, string)  { return correlation(s.truth.value, s.predicted.value) }
func spearman(s *sample) (float64, string) { return correlation(s.truth.rank, s.predicted.rank) }

// correlation is Pearson's coefficient. Rounding may carry it past 1, so it is clamped, as in scipy.
func correlation(truth, predicted []float64) (float64, string) {
	switch {
	case len(truth) < 2:
		return math.NaN(), fewPairs
	case equal(truth):
		return math.NaN(), equalTruth
	case equal(predicted):
		return math.NaN(), equalPredicted
	}
	return min(max(stat.Correlation(truth, predicted, nil), -1), 1), ""
}

// mae is the mean of |true - predicted|.
func mae(s *sample) (float64, string) {
	return floats.Distance(s.truth.value, s.predicted.value, 1) / float64(len(s.truth.value)), ""
}

// rmse is the root of the mean of (true - predicted)^2.
func rmse(s *sample) (float64, string) {
	return floats.Distance(s.truth.value, s.predicted.value, 2) / math.Sqrt(float64(len(s.truth.value))), ""
}

// r2 is 1 - sum (true - predicted)^2 / sum (true - mean of the true)^2. Always predicting that mean gives 0.
func r2(s *sample) (float64, string) {
	switch {
	case len(s.truth.value) < 2:
		return math.NaN(), fewPairs
	case equal(s.truth.value):
		return math.NaN(), equalTruth
	}
	return stat.RSquaredFrom(s.predicted.value, s.truth.value, nil), ""
}

// qwk is Cohen's kappa of the classes with quadratic weights: 1 - observed / expected. observed is the mean of (true -
// predicted)^2 over the pairs, and expected is that over all combinations of a true and a predicted score. expected equals
// the two variances plus the squared difference of the means, so no matrix of classes is needed.
func qwk(s *sample) (float64, string) {
	t, p := s.truth.class, s.predicted.class
	mt, vt := stat.PopMeanVariance(t, nil)
	mp, vp := stat.PopMeanVariance(p, nil)
	expected := vt + vp + (mt-mp)*(mt-mp)
	if expected == 0 {
		return math.NaN(), oneClass
	}
	d := floats.Distance(t, p, 2)
	return 1 - d*d/float64(len(t))/expected, ""
}

// icc is Shrout and Fleiss's ICC(2,1): two-way random effects, absolute agreement, a single rater, of the two raters
// "truth" and "prediction". With sums s and differences d of the pairs, the mean squares of their analysis of variance are
// var(s)/2 between pictures, var(d)/2 residual and n*mean(d)^2/2 between raters; put into (rows - residual) / (rows +
// residual + 2*(raters - residual)/n) they give the formula below, whose denominator has no negative term.
func icc(s *sample) (float64, string) {
	n := float64(len(s.truth.value))
	if n < 2 {
		return math.NaN(), fewPairs
	}
	sum, diff := make([]float64, len(s.truth.value)), make([]float64, len(s.truth.value))
	floats.AddTo(sum, s.truth.value, s.predicted.value)
	floats.SubTo(diff, s.truth.value, s.predicted.value)
	rows := stat.Variance(sum, nil)
	bias, residual := stat.MeanVariance(diff, nil)
	below := rows + residual*(1-2/n) + 2*bias*bias
	if below < minSpan*minSpan {
		return math.NaN(), noVariation
	}
	return (rows - residual) / below, ""
}

// baseline is the mean absolute error of a constant prediction: the mean of the training scores, or of the true scores if
// that is not given.
func baseline(s *sample) (float64, string) {
	m := stat.Mean(s.truth.value, nil)
	if s.trainMean != nil {
		m = *s.trainMean
	}
	var sum float64
	for _, v := range s.truth.value {
		sum += math.Abs(v - m)
	}
	return sum / float64(len(s.truth.value)), ""
}
