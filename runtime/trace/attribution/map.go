package attribution

import (
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights/option"
)

// Map is the value of a method for each cell of a prompt's pictures.
type Map struct {
	Method Method `json:"method"`
	Target string `json:"target,omitempty"` // what a signed map explains: "score" or "logit:ID"
	Unit   string `json:"unit"`             // what a value is, in words: "share of attention"
	Merge  int    `json:"merge"`            // patches along a side of a cell: 1, or those that the merger joins
	// Panels are the frames of the images, then of the videos, in the order of the prompt.
	Panels []Panel `json:"panels"`
	// Elsewhere is the sum of the values of rows that belong to no picture: the text of the prompt.
	Elsewhere float64 `json:"elsewhere"`
	// Sum is set if the method divides a number among the cells.
	Sum *Sum `json:"sum,omitempty"`
	// Note says why the values of some panels are all 0; "": none are.
	Note string `json:"note,omitempty"`
}

// Sum says how a map adds up. Base, the values of the panels (in order, row by row), Elsewhere and Remainder, added one
// after the other in float64, are Total. The sum is exact if Remainder is rounding, as with contributions. If Remainder is
// as large as Total, as with a path of few steps, the last addition may round by one unit in the last place.
type Sum struct {
	Base      float64 `json:"base"`      // what there is without a picture: the head's bias, or the target at the baseline
	Remainder float64 `json:"remainder"` // what rounding, or a path of few steps, leaves over
	Total     float64 `json:"total"`     // the number that is divided
}

// Panel is one frame of a picture: Values is (Rows, Cols), row by row from the top left as the picture is seen.
type Panel struct {
	Kind   string    `json:"kind"`  // "image" or "video"
	Index  int       `json:"index"` // its number among the images, or videos, of the prompt
	Frame  int       `json:"frame"` // of a video: its number among the pairs of frames
	Rows   int       `json:"rows"`
	Cols   int       `json:"cols"`
	Values []float64 `json:"values"`
}

// pass is one run of the vision tower: over the images of a prompt, or over its videos.
type pass struct {
	*loupe.Vision
	kind, pixels string
	suffix       string     // of the names of visual.* taps
	earlier      []vit.Grid // of the pass before it
}

// imagesSuffix ends the names of visual.* taps of images if there are videos too. Those of the videos then have the plain
// names.
const imagesSuffix = "@images"

// passes lists the runs of the vision tower, in order.
func passes(p *loupe.Prompt) []pass {
	var out []pass
	if p.Images != nil {
		out = append(out, pass{Vision: p.Images, kind: "image", pixels: "pixel_values"})
	}
	if p.Videos != nil {
		v := pass{Vision: p.Videos, kind: "video", pixels: "pixel_values_videos"}
		if p.Images != nil {
			out[0].suffix = imagesSuffix
			v.earlier = p.Images.Grids
		}
		out = append(out, v)
	}
	return out
}

// needPictures is an error for a prompt that has none.
func needPictures(p *loupe.Prompt) error {
	if p.Images == nil && p.Videos == nil {
		return &option.Error{Field: "Files.Images", Fault: "there is no picture to look at", Want: "give Files.Images or Files.Videos"}
	}
	return nil
}

// cell is a cell of a map in the order of the model: number n of a pass.
type cell struct{ pass, n int }

// layout is the empty panels of a prompt's pictures, and for each of their values, in order, its cell in the order of the
// model. side is the number of patches along a side of a cell: 1, or merge.
func layout(p *loupe.Prompt, merge, side int) (panels []Panel, cells []cell) {
	for n, run := range passes(p) {
		at := 0
		for i, g := range run.Grids {
			order := vit.PatchOrder(vit.Grid{g[0], g[1] / side, g[2] / side}, merge/side)
			per := len(order) / g[0]
			for f := range g[0] {
				panel := Panel{Kind: run.kind, Index: i, Frame: f, Rows: g[1] / side, Cols: g[2] / side, Values: make([]float64, per)}
				raster := make([]cell, per)
				for j, place := range order[f*per : (f+1)*per] {
					raster[place.Row*panel.Cols+place.Col] = cell{n, at + j}
				}
				at += per
				panels, cells = append(panels, panel), append(cells, raster...)
			}
		}
	}
	return panels, cells
}

// newMap lays out values, one for each cell of each pass in the order of the model, on the grids.
func newMap(p *loupe.Prompt, merge, side int, values [][]float64) *Map {
	panels, cells := layout(p, merge, side)
	at := 0
	for _, panel := range panels {
		for i := range panel.Values {
			c := cells[at]
			panel.Values[i] = values[c.pass][c.n]
			at++
		}
	}
	return &Map{Merge: side, Panels: panels}
}

// All is every value of the map: panel after panel.
func (m *Map) All() []float64 {
	var out []float64
	for _, p := range m.Panels {
		out = append(out, p.Values...)
	}
	return out
}

// Range is the least and the largest value.
func (m *Map) Range() (least, largest float64) {
	all := m.All()
	return slices.Min(all), slices.Max(all)
}

// close sets Sum, with the remainder that makes the parts add up to total.
func (m *Map) close(base, total float64) {
	sum := base
	for _, v := range m.All() {
		sum += v
	}
	sum += m.Elsewhere
	m.Sum = &Sum{Base: base, Remainder: remainder(sum, total), Total: total}
}

// remainder is the number that, added to sum in float64, gives total to the bit. Their difference is exact if they are
// close (Sterbenz's lemma); otherwise it is adjusted until it is right.
func remainder(sum, total float64) float64 {
	r := total - sum
	for range 4 {
		if sum+r == total {
			break
		}
		r += total - (sum + r)
	}
	return r
}

// Place makes a map of given values, one for each patch or each merged token of a prompt's pictures, in the order of the
// model: images, then videos. Their number tells which of the two they are. merge is the model's SpatialMergeSize.
func Place(p *loupe.Prompt, merge int, values []float64) (*Map, error) {
	patches := 0
	for _, run := range passes(p) {
		patches += run.Pixels.Rows
	}
	side := 1
	switch len(values) {
	case patches:
	case patches / (merge * merge):
		side = merge
	default:
		return nil, fmt.Errorf("%d values for pictures of %d patches, %d of which make a token", len(values), patches, merge*merge)
	}
	var parts [][]float64
	for _, run := range passes(p) {
		n := run.Pixels.Rows / (side * side)
		parts, values = append(parts, values[:n]), values[n:]
	}
	return newMap(p, merge, side, parts), nil
}
