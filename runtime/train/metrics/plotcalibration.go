package metrics

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// z95 is how many standard errors or deviations of a normal distribution lie on either side of 95 %.
const z95 = 1.959963984540054

// PlotCalibration draws, into a PNG file of 1200 by 1200 pixels, true against predicted scores: each pair, the line on which
// both are equal, and Calibration's bins, at each the mean true score with 1.96 standard errors of it. The file appears whole
// or not at all.
func PlotCalibration(path string, p Pairs, bins int) error {
	found, err := Calibration(p, bins)
	if err != nil {
		return err
	}
	low := min(slices.Min(p.Truth), slices.Min(p.Predicted))
	high := max(slices.Max(p.Truth), slices.Max(p.Predicted))
	if err := drawable(low, high); err != nil {
		return err
	}
	f := newPlot(title(p), "predicted score", "true score")
	span(&f.X, low, high)
	span(&f.Y, low, high)
	if err := addCloud(f, points(p.Predicted, p.Truth)); err != nil {
		return err
	}
	if err := addLine(f, "predicted = true", idealColor, []vg.Length{vg.Points(4), vg.Points(3)}, low, low, high, high); err != nil {
		return err
	}
	if err := addBins(f, p, found); err != nil {
		return err
	}
	f.Legend.Top, f.Legend.Left = true, true
	f.Legend.XOffs, f.Legend.YOffs = vg.Points(5), -vg.Points(4)
	return save(path, f)
}

// title says how many pictures a plot shows, and how well the model does.
func title(p Pairs) string {
	r, reason := correlation(p.Truth, p.Predicted)
	off := floats.Distance(p.Truth, p.Predicted, 1) / float64(len(p.Truth))
	if reason != "" {
		return fmt.Sprintf("n = %d, MAE = %.3g", len(p.Truth), off)
	}
	return fmt.Sprintf("n = %d, r = %.2f, MAE = %.3g", len(p.Truth), r, off)
}

// intervals are the means of bins with 1.96 standard errors either way, 0 for a bin of one pair.
type intervals struct {
	plotter.XYs
	plotter.YErrors
}

func addBins(f *plot.Plot, p Pairs, bins []Bin) error {
	v := intervals{make(plotter.XYs, len(bins)), make(plotter.YErrors, len(bins))}
	for i, b := range bins {
		v.XYs[i] = plotter.XY{X: b.Predicted, Y: b.Truth}
		var within []float64
		for j, x := range p.Predicted {
			if x >= b.Low && (x < b.High || i == len(bins)-1) {
				within = append(within, p.Truth[j])
			}
		}
		if len(within) > 1 {
			e := z95 * stat.StdErr(stat.StdDev(within, nil), float64(len(within)))
			v.YErrors[i].Low, v.YErrors[i].High = e, e
		}
		f.Y.Min, f.Y.Max = min(f.Y.Min, b.Truth-math.Abs(v.YErrors[i].Low)), max(f.Y.Max, b.Truth+v.YErrors[i].High)
	}
	bars, err := plotter.NewYErrorBars(v)
	if err != nil {
		return err
	}
	bars.LineStyle = draw.LineStyle{Color: binColor, Width: vg.Points(0.9)}
	bars.CapWidth = vg.Points(4)
	path, dots, err := plotter.NewLinePoints(v.XYs)
	if err != nil {
		return err
	}
	path.Color, path.Width = binColor, vg.Points(1.1)
	dots.GlyphStyle = draw.GlyphStyle{Color: binColor, Radius: vg.Points(2.6), Shape: draw.CircleGlyph{}}
	f.Add(path, bars, dots)
	f.Legend.Add("mean of a bin, 95 % interval", path, dots)
	return nil
}
