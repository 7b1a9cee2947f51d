package metrics

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg"
)

// PlotResiduals draws residuals (predicted minus true score) against the true score, into a PNG file of 1200 by 1200
// pixels. It adds the line of no error, the mean, and the limits of agreement, between which 95 % of a normal distribution
// of such errors would lie (Bland and Altman 1986). Any model with errors slopes downward here, since its predictions
// regress to the mean; PlotCalibration shows whether they do so too much. The file appears whole or not at all.
func PlotResiduals(path string, p Pairs) error {
	if err := p.check(); err != nil {
		return err
	}
	residual := make([]float64, len(p.Truth))
	floats.SubTo(residual, p.Predicted, p.Truth)
	mean, spread := stat.Mean(residual, nil), 0.0
	if len(residual) > 1 {
		spread = z95 * stat.StdDev(residual, nil)
	}
	low, high := slices.Min(p.Truth), slices.Max(p.Truth)
	bottom := min(0, slices.Min(residual), mean-spread)
	top := max(0, slices.Max(residual), mean+spread)
	if err := errors.Join(drawable(low, high), drawable(bottom, top)); err != nil {
		return err
	}
	f := newPlot(title(p), "true score", "predicted less true score")
	span(&f.X, low, high)
	span(&f.Y, bottom, top)
	if err := addCloud(f, points(p.Truth, residual)); err != nil {
		return err
	}
	from, to := f.X.Min, f.X.Max
	for _, l := range []struct {
		name   string
		at     float64
		dashes []vg.Length
	}{
		{"", 0, nil},
		{fmt.Sprintf("mean %+.3g", mean), mean, []vg.Length{vg.Points(6), vg.Points(3)}},
		{fmt.Sprintf("mean ± 1.96 sd (%.3g)", spread/z95), mean + spread, []vg.Length{vg.Points(2), vg.Points(2)}},
		{"", mean - spread, []vg.Length{vg.Points(2), vg.Points(2)}},
	} {
		c := binColor
		if l.dashes == nil {
			c = idealColor
		} else if len(residual) < 2 {
			continue // one error has no spread, and is its own mean
		}
		if err := addLine(f, l.name, c, l.dashes, from, l.at, to, l.at); err != nil {
			return err
		}
	}
	f.Legend.Top, f.Legend.XOffs, f.Legend.YOffs = true, -vg.Points(5), -vg.Points(4)
	f.Y.Max += (f.Y.Max - f.Y.Min) / 8 // the legend's place
	return save(path, f)
}
