// Package metrics says how well predicted scores follow true ones: correlation (Pearson, Spearman), error (MAE, RMSE, R2),
// agreement (quadratic weighted kappa, ICC(2,1)), and the error of a constant prediction, each with a bootstrap interval.
// It also makes calibration bins and plots.
//
// Numbers come from gonum's stat and floats where those have them. A statistic that is not defined (Pearson of equal
// scores, R2 of one pair) has no stand-in value: it is NaN in Go, and null with a reason in JSON. One seed gives one
// report. Its last bits may differ between processor architectures, since gonum sums in vectors where it can.
//
// May import: weights.
package metrics
