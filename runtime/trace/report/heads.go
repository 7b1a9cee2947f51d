package report

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strconv"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

// SaveHeads draws the raw attention of every chosen head and layer as small multiples, each on its own scale: a row for
// each layer, a column for each head, and one such figure for each picture or frame.
func SaveHeads(ctx context.Context, path string, m *loupe.Model, p *loupe.Prompt, o attribution.Options, style figure.Style) error {
	maps, err := attribution.Heads(ctx, m, p, o)
	if err != nil {
		return err
	}
	title, note := "attention of each head within the vision tower", ""
	if !o.Tower {
		title, note = "attention of each head", "the line below a map: the part of the head's attention that is on the pictures; the rest is on text"
	}
	return SavePNG(path, smallMultiples(p, m, title, note, "layer", maps, style))
}

// smallMultiples draws the maps of heads over each panel, one panel below the other. With a note each map shows the share
// of attention that goes to it.
func smallMultiples(p *loupe.Prompt, m *loupe.Model, title, note, row string, maps []attribution.HeadMap, style figure.Style) *image.RGBA {
	var layers, heads []int
	for _, h := range maps {
		layers, heads = append(layers, h.Layer), append(heads, h.Head)
	}
	slices.Sort(layers)
	slices.Sort(heads)
	layers, heads = slices.Compact(layers), slices.Compact(heads)
	names := figure.Heads{Row: row, Column: "head", Note: note}
	for _, l := range layers {
		names.Rows = append(names.Rows, strconv.Itoa(l))
	}
	for _, h := range heads {
		if h < 0 {
			names.Cols = append(names.Cols, "mean")
		} else {
			names.Cols = append(names.Cols, strconv.Itoa(h))
		}
	}
	var drawn []*image.RGBA
	seen := figure.Seen(p, m.Processor)
	for n, under := range seen {
		var small []figure.Small
		for _, h := range maps {
			panel, share := h.Panels[n], -1.0
			if note != "" {
				share = 1 - h.Elsewhere
			}
			small = append(small, figure.Small{Row: slices.Index(layers, h.Layer), Col: slices.Index(heads, h.Head), Share: share,
				Grid: figure.Grid{Rows: panel.Rows, Cols: panel.Cols, Values: panel.Values}})
		}
		of := title
		if len(seen) > 1 {
			panel := maps[0].Panels[n]
			of = fmt.Sprintf("%s %d: %s", panel.Kind, panel.Index+1, title)
			if panel.Kind == "video" {
				of = fmt.Sprintf("video %d, frame %d: %s", panel.Index+1, panel.Frame, title)
			}
		}
		drawn = append(drawn, figure.Multiples(under, of, small, names, style))
	}
	return figure.Stacked(drawn)
}
