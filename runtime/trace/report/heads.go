package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

// SaveHeads draws raw attention of every chosen head of every chosen layer apart, as small multiples over the first picture,
// each on its own scale. Heads of the decoder that look at the pictures most come first; those of the vision tower, which look at
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
	var small []figure.Small
	for _, h := range maps {
		panel := h.Panels[0]
		label := fmt.Sprintf("layer %d, head %d", h.Layer, h.Head)
		if !o.Tower {
			label += fmt.Sprintf(": %.2g %%", 100*(1-h.Elsewhere))
		}
		small = append(small, figure.Small{Label: label, Grid: figure.Grid{Rows: panel.Rows, Cols: panel.Cols, Values: panel.Values}})
	}
	return SavePNG(path, figure.Multiples(figure.Seen(p, m.Processor)[0], title, small, false, style))
}
