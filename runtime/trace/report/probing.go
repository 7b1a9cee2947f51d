package report

import (
	"image"
	"math"
	"slices"
	"strconv"

	"github.com/loupe-vl/loupe/runtime/trace/figure"
	"github.com/loupe-vl/loupe/runtime/trace/lens"
)

// Probing is the result of linear probes, as a table and as a picture.
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

// Draw implements Found. The colors diverge at 0, where a probe is no better than the mean. Below -1 the color is that of
// -1.
func (f foundProbing) Draw(style figure.Style) (*image.RGBA, error) {
	t := figure.Table{Title: "what a linear map reads off each layer", Columns: f.columns(), Scale: &figure.Scale{Least: -1, Largest: 1, Signed: true},
		Note: "R² over pictures that it was not fitted to; below 0: worse than the mean; striped: not asked for there"}
	for _, l := range f.Layers {
		values := slices.Clone(l.Targets)
		for _, place := range []*float64{l.Row, l.Column, l.Middle} {
			if place == nil {
				values = append(values, math.NaN())
			} else {
				values = append(values, *place)
			}
		}
		var words []string
		for _, v := range values {
			if math.IsNaN(v) {
				words = append(words, "")
			} else {
				words = append(words, explained(&v))
			}
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
