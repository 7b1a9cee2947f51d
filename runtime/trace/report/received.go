package report

import (
	"context"
	"fmt"
	"image"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/runtime/trace/figure"
)

// foundReceived is the attention that each patch receives from the heads of the vision tower.
type foundReceived struct {
	maps []attribution.HeadMap
	p    *loupe.Prompt
	m    *loupe.Model
}

func lookReceived(ctx context.Context, m *loupe.Model, p *loupe.Prompt, _ LensOptions) (Found, error) {
	maps, err := attribution.Received(ctx, m, p, true)
	return foundReceived{maps, p, m}, err
}

// receivedHead is a head as JSON tells of it.
type receivedHead struct {
	Layer int             `json:"layer"`
	Head  int             `json:"head"` // -1: the mean of the layer's
	Rim   attribution.Rim `json:"rim"`
	Agree float64         `json:"agree"` // see attribution.HeadMap
	*attribution.Map
}

// Data implements Found.
func (f foundReceived) Data() any {
	var out []receivedHead
	for _, h := range f.maps {
		out = append(out, receivedHead{h.Layer, h.Head, h.Rim(), h.Agree, h.Map})
	}
	return out
}

// Lines implements Found: a line for each head, and before them one for the mean of the block's.
func (f foundReceived) Lines() [][]string {
	lines := [][]string{{"block", "head", "on the rim", "even would be", "most looked at", "times even", "agree"}}
	for _, h := range f.maps {
		r := h.Rim()
		lines = append(lines, []string{fmt.Sprint(h.Layer), headName(h), percent(r.Share), percent(r.Cells), r.MostAt.String(), figure.Fixed(float64(r.Most), 1), percent(h.Agree)})
	}
	return lines
}

// Draw implements Found: a small map for each head, over each picture or frame.
func (f foundReceived) Draw(style figure.Style) (*image.RGBA, error) {
	return smallMultiples(f.p, f.m, "how much each patch is looked at", "", "block", f.maps, style), nil
}

func headName(h attribution.HeadMap) string {
	if h.Head < 0 {
		return "mean"
	}
	return fmt.Sprint(h.Head)
}

func percent(part float64) string { return figure.Fixed(100*part, 1) + " %" }
