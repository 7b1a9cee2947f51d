package metrics

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/loupe-vl/loupe/weights/disk"
)

// A plot is square: 1200 by 1200 pixels, 4 inches at 300 dots per inch. Printed in one column of a page its type has the
// size of the text around it.
const (
	side = 4 * vg.Inch
	dots = 300
)

// The colors: pale for pairs, so that dense areas show, and strong for statistics. They also differ in gray.
var (
	pairColor  = color.NRGBA{R: 0x33, G: 0x66, B: 0xaa, A: 0x60}
	binColor   = color.NRGBA{R: 0xcc, G: 0x33, B: 0x11, A: 0xff}
	idealColor = color.NRGBA{R: 0x44, G: 0x44, B: 0x44, A: 0xff}
	gridColor  = color.NRGBA{R: 0xe4, G: 0xe4, B: 0xe4, A: 0xff}
)

// newPlot is an empty plot with a frame of axes, round ticks and a grid.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, vg.Points(6)
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Title.TextStyle.Font.Variant, p.Title.TextStyle.Font.Size = "Sans", vg.Points(9)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Variant, a.Label.TextStyle.Font.Size = "Sans", vg.Points(9)
		a.Tick.Label.Font.Variant, a.Tick.Label.Font.Size = "Sans", vg.Points(8)
		a.Tick.Marker, a.Tick.Length, a.Padding = roundTicks{}, vg.Points(3), 0
	}
	p.Legend.TextStyle.Font.Variant, p.Legend.TextStyle.Font.Size = "Sans", vg.Points(7.5)
	p.Legend.ThumbnailWidth, p.Legend.Padding = vg.Points(16), vg.Points(2)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColor, gridColor
	p.Add(grid)
	return p
}

// roundTicks puts a tick at every multiple of 1, 2 or 5 times a power of ten that makes 4 to 10 of them.
type roundTicks struct{}

// Ticks implements plot.Ticker.
func (roundTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, f := range []float64{5, 2} {
		if (high-low)/(step*f) >= 4 {
			step *= f
			break
		}
	}
	var out []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step && len(out) < 50; i++ {
		out = append(out, plot.Tick{Value: i * step, Label: tickLabel(i*step, step)})
	}
	return out
}

// tickLabel writes a multiple of step with as many digits as step needs.
func tickLabel(v, step float64) string {
	if math.Abs(v) < step/2 {
		return "0"
	}
	if size := math.Abs(v); size >= 1e6 || size < 1e-4 {
		return strconv.FormatFloat(v, 'g', int(max(1, 1+math.Floor(math.Log10(size))-math.Floor(math.Log10(step)))), 64)
	}
	return strconv.FormatFloat(v, 'f', int(max(0, -math.Floor(math.Log10(step)))), 64)
}

// span makes an axis reach a little beyond low and high, so that the frame cuts no dot.
func span(a *plot.Axis, low, high float64) {
	if high == low {
		low, high = low-1, high+1
	}
	room := (high - low) / 25
	a.Min, a.Max = low-room, high+room
}

// drawable refuses a range too small for distinct ticks. Equal values are drawn in a range of 2 around them.
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

// addLine puts a straight line on a plot and names it in the legend.
func addLine(p *plot.Plot, name string, c color.Color, dashes []vg.Length, x0, y0, x1, y1 float64) error {
	line, err := plotter.NewLine(plotter.XYs{{X: x0, Y: y0}, {X: x1, Y: y1}})
	if err != nil {
		return err
	}
	line.Color, line.Width, line.Dashes = c, vg.Points(0.9), dashes
	p.Add(line)
	if name != "" {
		p.Legend.Add(name, line)
	}
	return nil
}

// addCloud puts a dot for each picture on a plot.
func addCloud(p *plot.Plot, pairs plotter.XYs) error {
	cloud, err := plotter.NewScatter(pairs)
	if err != nil {
		return err
	}
	cloud.GlyphStyle = draw.GlyphStyle{Color: pairColor, Radius: vg.Points(1.8), Shape: draw.CircleGlyph{}}
	p.Add(cloud)
	p.Legend.Add("a picture", cloud)
	return nil
}

// save writes a plot as PNG, atomically.
func save(path string, p *plot.Plot) error {
	c := vgimg.NewWith(vgimg.UseWH(side, side), vgimg.UseDPI(dots))
	p.Draw(draw.Crop(draw.New(c), vg.Points(4), -vg.Points(12), vg.Points(4), -vg.Points(4))) // the last tick's number needs room
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
		return err
	})
}
