package report

import (
	"image"
	"math"
	"strconv"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
)

// Probing is what probes found, as a table and as a picture.
func Probing(p *lens.Probing) Found { return foundProbing{p} }

type foundProbing struct{ *lens.Probing }

// Data implements Found.
func (f foundProbing) Data() any { return f.Probing }

// Lines implements Found: a line for each layer, with R² of each target, and of the place of a row.
func (f foundProbing) Lines() [][]string {
	lines := [][]string{append([]string{"R²"}, f.columns()...)}
	for _, l := range f.Layers {
		line := []string{probedName(l)}
		for _, v := range l.Targets {
			line = append(line, explained(&v))
		}
		lines = append(lines, append(line, explained(l.Row), explained(l.Column), explained(l.Middle)))
	}
	return lines
}

// Draw implements Found. What is below 0, no better than the mean, is drawn as 0.
func (f foundProbing) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "what a linear map reads off each layer", Note: "R² over pictures that it was not fitted to", Columns: f.columns()}
	for _, l := range f.Layers {
		values := append([]float64(nil), l.Targets...)
		var words []string
		for i, v := range values {
			words, values[i] = append(words, explained(&v)), max(v, 0)
		}
		for _, place := range []*float64{l.Row, l.Column, l.Middle} {
			v := 0.0
			if place != nil {
				v = max(*place, 0)
			}
			words, values = append(words, explained(place)), append(values, v)
		}
		t.Rows, t.Values, t.Words = append(t.Rows, probedName(l)), append(t.Values, values), append(t.Words, words)
	}
	return figure.Heat(t, style), nil
}

func (f foundProbing) columns() []string {
	return append(append([]string(nil), f.Targets...), "its row", "its column", "off the middle")
}

func probedName(l lens.ProbedLayer) string {
	if l.Last {
		return l.Tap + ", last token"
	}
	return l.Tap
}

// explained writes R² with two digits; nothing where there is none.
func explained(v *float64) string {
	if v == nil {
		return ""
	}
	hundredths := math.Round(*v * 100)
	if hundredths == 0 {
		return "0.00" // and not "-0.00"
	}
	return strconv.FormatFloat(hundredths/100, 'f', 2, 64)
}
