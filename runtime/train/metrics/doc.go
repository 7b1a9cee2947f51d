// Package metrics says how well predicted scores follow true ones: correlation (Pearson, Spearman), error (MAE, RMSE,
// R2), agreement (quadratic weighted kappa, ICC(2,1)), the error of predicting one mean for all, each with a bootstrap
// interval; and shows it: calibration bins, plots.
//
// Numbers come from gonum's stat and floats where those have them. A statistic that its data does not define (Pearson of
// equal scores, R2 of one pair) is never given a stand-in value: it is NaN in Go, null with a reason in JSON. One seed gives
// one report; its last bits may differ between processor architectures, since gonum adds in vectors where it can.
//
// May import: weights.
package metrics
