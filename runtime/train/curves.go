package train

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"math"
	"path/filepath"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/loupe-vl/loupe/weights/disk"
)

// The names of the curves' files in OUT.
const (
	curvesPNG  = "curves.png"
	curvesHTML = "curves.html"
)

// panel is one plot of lines over the steps.
type panel struct {
	title string
	lines []curve
}

// curve is one line of a panel, with dots where its points are few.
type curve struct {
	name   string
	points plotter.XYs
	dots   bool
}

// The size of one panel, and the colors of its lines in order.
const panelWidth, panelHeight = 6 * vg.Inch, 3.2 * vg.Inch

var curveColors = []color.Color{color.NRGBA{0x33, 0x66, 0xaa, 0xff}, color.NRGBA{0xcc, 0x33, 0x11, 0xff}, color.NRGBA{0x22, 0x88, 0x44, 0xff}}

// drawCurves draws a run's logs into dir: curves.png, and curves.html, which needs no other file.
func drawCurves(dir string, steps []LogLine, evals []EvalLine) error {
	if len(steps) == 0 {
		return nil
	}
	var plots []*plot.Plot
	for _, p := range panels(steps, evals) {
		drawn, err := p.plot()
		if err != nil {
			return fmt.Errorf("draw curves: %w", err)
		}
		plots = append(plots, drawn)
	}
	if err := writePNG(filepath.Join(dir, curvesPNG), plots); err != nil {
		return fmt.Errorf("draw curves: %w", err)
	}
	if err := writeHTML(filepath.Join(dir, curvesHTML), plots, steps, evals); err != nil {
		return fmt.Errorf("draw curves: %w", err)
	}
	return nil
}

// panels are the curves of a run.
func panels(steps []LogLine, evals []EvalLine) []panel {
	overSteps := func(name string, value func(LogLine) float64) curve {
		c := curve{name: name}
		for _, l := range steps {
			c.points = append(c.points, plotter.XY{X: float64(l.Step + 1), Y: value(l)})
		}
		return c
	}
	overEvals := func(name string, value func(EvalLine) *float64) curve {
		c := curve{name: name, dots: true}
		for _, l := range evals {
			if v := value(l); v != nil {
				c.points = append(c.points, plotter.XY{X: float64(l.After), Y: *v})
			}
		}
		return c
	}
	all := []panel{
		{"loss", []curve{overSteps("training", func(l LogLine) float64 { return l.Loss }), overEvals("evaluation", func(l EvalLine) *float64 { return &l.Loss })}},
		{"loss of the critique", []curve{overSteps("training", func(l LogLine) float64 { return l.LMLoss }), overEvals("evaluation", func(l EvalLine) *float64 { return &l.LMLoss })}},
		{"loss of the score", []curve{overSteps("training", func(l LogLine) float64 { return l.ScoreLoss }), overEvals("evaluation", func(l EvalLine) *float64 { return &l.ScoreLoss })}},
		{"mean absolute error of the score", []curve{{}, overEvals("evaluation", func(l EvalLine) *float64 { return l.MAE })}},
		{"norm of the gradient", []curve{overSteps("before clipping", func(l LogLine) float64 { return l.GradNorm })}},
		{"learning rate", []curve{overSteps("", func(l LogLine) float64 { return l.LR })}},
	}
	var out []panel
	for _, p := range all {
		for _, c := range p.lines {
			if len(c.points) > 0 {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

// plot draws a panel.
func (p panel) plot() (*plot.Plot, error) {
	f := plot.New()
	f.Title.Text, f.X.Label.Text = p.title, "steps"
	f.Legend.Top = true
	for _, style := range []*draw.TextStyle{&f.Title.TextStyle, &f.X.Label.TextStyle, &f.Y.Label.TextStyle, &f.X.Tick.Label, &f.Y.Tick.Label, &f.Legend.TextStyle} {
		style.Font.Variant = "Sans" // as every other figure has it
	}
	f.Add(plotter.NewGrid())
	named := 0
	for i, c := range p.lines {
		if len(c.points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, err
		}
		line.Color = curveColors[i]
		f.Add(line)
		if c.dots || len(c.points) == 1 {
			dots.GlyphStyle = draw.GlyphStyle{Color: curveColors[i], Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
			f.Add(dots)
		}
		if c.name != "" {
			f.Legend.Add(c.name, line)
			named++
		}
	}
	spread := func(axis *plot.Axis) { // gonum/plot looks for round ticks, and finds none where all values are nearly the same
		if size := max(math.Abs(axis.Min), math.Abs(axis.Max)); axis.Max-axis.Min < 1e-6*size || axis.Max-axis.Min < 1e-30 {
			axis.Min, axis.Max = axis.Min-max(0.1*size, 1e-3), axis.Max+max(0.1*size, 1e-3)
		}
	}
	spread(&f.X)
	spread(&f.Y)
	// The legend stands above the lines, and not on them.
	f.Y.Max += 0.1 * float64(named) * (f.Y.Max - f.Y.Min)
	return f, nil
}

// writePNG draws the panels in two columns.
func writePNG(path string, plots []*plot.Plot) error {
	rows := (len(plots) + 1) / 2
	img := vgimg.New(2*panelWidth, vg.Length(rows)*panelHeight)
	tiles := draw.Tiles{Rows: rows, Cols: 2, PadX: vg.Points(12), PadY: vg.Points(12), PadTop: vg.Points(8), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(16)}
	canvas := draw.New(img)
	for i, p := range plots {
		p.Draw(tiles.At(canvas, i%2, i/2))
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
		return err
	})
}

// page is curves.html.
var page = template.Must(template.New("curves").Funcs(template.FuncMap{"number": number}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>loupe train</title>
<style>body{font:15px/1.4 sans-serif;margin:2em;color:#222} svg{max-width:46em;width:48%;height:auto} table{border-collapse:collapse} td,th{padding:.2em .8em;border-bottom:1px solid #ccc;text-align:right}</style></head>
<body><h1>loupe train</h1>
<p>{{.Steps}} steps; the last one's loss is {{printf "%.4f" .Last.Loss}}.</p>
{{range .Plots}}{{.}}{{end}}
{{if .Evals}}<h2>On the records for evaluation</h2>
<table><tr><th>after step</th><th>loss</th><th>critique</th><th>score</th><th>MAE</th><th>Pearson r</th><th></th></tr>
{{range .Evals}}<tr><td>{{.After}}</td><td>{{printf "%.4f" .Loss}}</td><td>{{printf "%.4f" .LMLoss}}</td><td>{{printf "%.4f" .ScoreLoss}}</td><td>{{number .MAE}}</td><td>{{number .Pearson}}</td><td>{{if .Best}}best so far{{end}}</td></tr>
{{end}}</table>{{end}}
</body></html>
`))

// number writes what may not be there.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	return figure.Fixed(*v, 3)
}

// writeHTML draws the panels as SVG inside one page.
func writeHTML(path string, plots []*plot.Plot, steps []LogLine, evals []EvalLine) error {
	var drawn []template.HTML
	for _, p := range plots {
		svg := vgsvg.New(panelWidth, panelHeight)
		p.Draw(draw.New(svg))
		var b bytes.Buffer
		if _, err := svg.WriteTo(&b); err != nil {
			return err
		}
		text := b.Bytes()
		if i := bytes.Index(text, []byte("<svg")); i >= 0 {
			text = text[i:] // without the heading of a file of its own
		}
		drawn = append(drawn, template.HTML(text))
	}
	return disk.WriteFile(path, func(w io.Writer) error {
		return page.Execute(w, map[string]any{"Steps": len(steps), "Last": steps[len(steps)-1], "Plots": drawn, "Evals": evals})
	})
}
