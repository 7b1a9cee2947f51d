package metrics

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/loupe-vl/loupe/weights"
)

// A plot is square, 600 by 600 pixels: 6.25 inches of vgimg's 96 dots.
const side = 6.25 * vg.Inch

// The colours: pairs pale so that heaps of them show, bins and the ideal line strong.
var (
	pairColour  = color.NRGBA{R: 0x33, G: 0x66, B: 0xaa, A: 0x60}
	binColour   = color.NRGBA{R: 0xcc, G: 0x33, B: 0x11, A: 0xff}
	idealColour = color.NRGBA{R: 0x44, G: 0x44, B: 0x44, A: 0xff}
)

// PlotCalibration draws, into a PNG file of 600 by 600 pixels, true against predicted scores: each pair, the line on which
// both are equal, and the means of Calibration's bins joined by a line. The file appears whole or not at all.
func PlotCalibration(path string, p Pairs, bins int) error {
	found, err := Calibration(p, bins)
	if err != nil {
		return err
	}
	means := make(plotter.XYs, len(found))
	for i, b := range found {
		means[i] = plotter.XY{X: b.Predicted, Y: b.Truth}
	}
	low := min(slices.Min(p.Truth), slices.Min(p.Predicted))
	high := max(slices.Max(p.Truth), slices.Max(p.Predicted))
	if err := drawable(low, high); err != nil {
		return err
	}
	f := plot.New()
	f.Title.Text = fmt.Sprintf("Calibration, %d pictures", len(p.Truth))
	f.X.Label.Text, f.Y.Label.Text = "predicted score", "true score"
	if err := add(f, points(p.Predicted, p.Truth), plotter.XYs{{X: low, Y: low}, {X: high, Y: high}}, means); err != nil {
		return err
	}
	return save(path, f)
}

// PlotResiduals draws, into a PNG file of 600 by 600 pixels, what the model adds (predicted less true score) against the true
// score, and the line of no error. Any model that errs slopes downwards here, since high scores are met by lower guesses and
// low ones by higher; PlotCalibration shows whether it does so too much. The file appears whole or not at all.
func PlotResiduals(path string, p Pairs) error {
	if err := p.check(); err != nil {
		return err
	}
	residual := make([]float64, len(p.Truth))
	floats.SubTo(residual, p.Predicted, p.Truth)
	low, high := slices.Min(p.Truth), slices.Max(p.Truth)
	if err := errors.Join(drawable(low, high), drawable(min(0, slices.Min(residual)), max(0, slices.Max(residual)))); err != nil {
		return err
	}
	f := plot.New()
	f.Title.Text = fmt.Sprintf("Residuals, %d pictures", len(p.Truth))
	f.X.Label.Text, f.Y.Label.Text = "true score", "predicted less true score"
	if err := add(f, points(p.Truth, residual), plotter.XYs{{X: low, Y: 0}, {X: high, Y: 0}}, nil); err != nil {
		return err
	}
	return save(path, f)
}

// drawable refuses a range that the axes cannot divide: gonum/plot looks for round ticks in it, and panics where float64
// has none. It draws equal values in a range of 2 about them.
func drawable(low, high float64) error {
	size, width := max(math.Abs(low), math.Abs(high)), high-low
	if width == 0 {
		width = 2
	}
	if width < 1e-9*size || width < minSpan {
		return fmt.Errorf("metrics: values from %v to %v cannot be drawn: scale the scores", low, high)
	}
	return nil
}

// points pairs two lists up.
func points(x, y []float64) plotter.XYs {
	out := make(plotter.XYs, len(x))
	for i := range x {
		out[i] = plotter.XY{X: x[i], Y: y[i]}
	}
	return out
}

// add puts pairs, the ideal line and the bins' means, where there are any, on a plot.
func add(f *plot.Plot, pairs, ideal, means plotter.XYs) error {
	line, err := plotter.NewLine(ideal)
	if err != nil {
		return err
	}
	line.Color, line.Dashes = idealColour, []vg.Length{vg.Points(4), vg.Points(3)}
	cloud, err := plotter.NewScatter(pairs)
	if err != nil {
		return err
	}
	cloud.GlyphStyle = draw.GlyphStyle{Color: pairColour, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	f.Add(plotter.NewGrid(), line, cloud)
	if len(means) == 0 {
		return nil
	}
	path, dots, err := plotter.NewLinePoints(means)
	if err != nil {
		return err
	}
	path.Color, path.Width = binColour, vg.Points(1.5)
	dots.GlyphStyle = draw.GlyphStyle{Color: binColour, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	f.Add(path, dots)
	return nil
}

// save writes a plot as PNG, atomically.
func save(path string, f *plot.Plot) error {
	c := vgimg.New(side, side)
	f.Draw(draw.Crop(draw.New(c), vg.Points(6), -vg.Points(15), vg.Points(6), -vg.Points(6))) // the last tick's number needs room
	return weights.WriteFileAtomic(path, func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	})
}
