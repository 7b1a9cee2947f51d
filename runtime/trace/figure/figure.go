package figure

import (
	"fmt"
	"image"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/vit/picture"
)

// The distances of a figure in pixels.
const (
	margin = 16
	gap    = 12
	barTop = 10
)

// Attribution draws a map: for each panel the picture as the model saw it beside the same with the map's colors over it, and
// below them the scale that all share.
func Attribution(p *loupe.Prompt, proc picture.Processor, m *attribution.Map, style Style) (*image.RGBA, error) {
	seen := Seen(p, proc)
	if len(seen) != len(m.Panels) {
		return nil, fmt.Errorf("draw: the map has %d panels and the prompt %d", len(m.Panels), len(seen))
	}
	s := scaleFor(m.All(), attribution.Signed(m.Method))
	var rows [][2]*image.RGBA
	wide, high := 0, 0
	for i, panel := range m.Panels {
		n := zoom(seen[i].Bounds(), style.Side)
		under := enlarge(seen[i], n)
		over := Overlay(under, Grid{panel.Rows, panel.Cols, panel.Values}, s, style)
		rows = append(rows, [2]*image.RGBA{under, over})
		wide = max(wide, 2*under.Bounds().Dx()+gap)
		high += under.Bounds().Dy() + lineHeight
	}
	wide = max(wide, 420)
	top, below := headingHeight(title(m, style), style, wide), wrap(note(m), smallSize, wide)
	c := newCanvas(wide+2*margin, top+high+barTop+2*lineHeight+(lineHeight-4)*len(below)+margin)
	y := c.heading(title(m, style), style, wide)
	for i, row := range rows {
		b := row[0].Bounds()
		c.put(row[0], margin, y)
		c.put(row[1], margin+b.Dx()+gap, y)
		y += b.Dy() + 14
		c.write(fit(caption(m.Panels[i], seen[i]), smallSize, wide), margin, y, smallSize, faint)
		y += lineHeight - 14
	}
	y += barTop
	c.bar(margin, y, wide, 12, s, style.Colors)
	y += 12 + lineHeight + 14
	for _, line := range below {
		c.write(line, margin, y, smallSize, faint)
		y += lineHeight - 4
	}
	return c.img, nil
}

// title says what is shown.
func title(m *attribution.Map, style Style) string {
	text := string(m.Method)
	for _, more := range []string{m.Target, style.Detail} {
		if more != "" {
			text += ", " + more
		}
	}
	return text
}

// caption says which picture a panel is, how large the model saw it and on how many cells.
func caption(p attribution.Panel, seen *image.RGBA) string {
	what := fmt.Sprintf("%s %d", p.Kind, p.Index+1)
	if p.Kind == "video" {
		what += fmt.Sprintf(", frames %d", p.Frame+1)
	}
	return fmt.Sprintf("%s as the model saw it, %d x %d pixels; %d x %d cells", what, seen.Bounds().Dx(), seen.Bounds().Dy(), p.Cols, p.Rows)
}

// note says what the numbers are, and what is not in the picture.
func note(m *attribution.Map) string {
	if m.Note != "" {
		return m.Note
	}
	text := m.Unit
	if m.Elsewhere != 0 {
		text += fmt.Sprintf("; %s not in the pictures", Number(m.Elsewhere))
	}
	if m.Sum != nil {
		text += fmt.Sprintf("; with %s without a picture they add up to %s", Number(m.Sum.Base), Number(m.Sum.Total))
	}
	return text
}
