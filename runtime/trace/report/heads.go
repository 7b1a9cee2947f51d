package report

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

// SaveHeads draws raw attention of every chosen head of every chosen layer apart, as small multiples, each on its own scale, over
// one picture, or frame, after the other. Heads of the decoder that look at the pictures most come first; those of the vision tower, which look at
// nothing else, keep their order.
func SaveHeads(ctx context.Context, path string, m *loupe.Model, p *loupe.Prompt, o attribution.Options, style figure.Style) error {
	maps, err := attribution.Heads(ctx, m, p, o)
	if err != nil {
		return err
	}
	title := "attention of each head within the vision tower"
	if !o.Tower {
		slices.SortStableFunc(maps, func(a, b attribution.HeadMap) int { return cmp.Compare(a.Elsewhere, b.Elsewhere) })
		title = "attention of each head, those that look at the pictures most first"
	}
	return SavePNG(path, smallMultiples(p, m, title, maps, func(h attribution.HeadMap) string {
		if o.Tower {
			return fmt.Sprintf("layer %d, head %d", h.Layer, h.Head)
		}
		return fmt.Sprintf("layer %d, head %d: %.2g %%", h.Layer, h.Head, 100*(1-h.Elsewhere))
	}, style))
}

// smallMultiples draws the maps of heads over each panel, one panel below the other.
func smallMultiples(p *loupe.Prompt, m *loupe.Model, title string, maps []attribution.HeadMap, label func(attribution.HeadMap) string, style figure.Style) *image.RGBA {
	var drawn []*image.RGBA
	seen := figure.Seen(p, m.Processor)
	for n, under := range seen {
		var small []figure.Small
		for _, h := range maps {
			panel := h.Panels[n]
			small = append(small, figure.Small{Label: label(h), Grid: figure.Grid{Rows: panel.Rows, Cols: panel.Cols, Values: panel.Values}})
		}
		of := title
		if len(seen) > 1 {
			panel := maps[0].Panels[n]
			of = fmt.Sprintf("%s %d: %s", panel.Kind, panel.Index+1, title)
			if panel.Kind == "video" {
				of = fmt.Sprintf("video %d, frame %d: %s", panel.Index+1, panel.Frame, title)
			}
		}
		drawn = append(drawn, figure.Multiples(under, of, small, false, style))
	}
	return figure.Stacked(drawn)
}
