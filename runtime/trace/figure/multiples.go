package figure

import (
	"fmt"
	"image"
)

// Small is one of many small maps of the same picture.
type Small struct {
	Label string
	Grid  Grid
}

// Multiples draws many maps over one picture, each with its own scale, whose ends stand below it, or all with the same where
// shared is set. They stand in their order, row by row.
func Multiples(under *image.RGBA, title string, maps []Small, shared bool, style Style) *image.RGBA {
	columns := 1
	for columns*columns < len(maps) {
		columns++
	}
	n := zoom(under.Bounds(), max(96, style.Side/3))
	under = enlarge(under, n)
	b := under.Bounds()
	rows := (len(maps) + columns - 1) / columns
	cellW, cellH := b.Dx()+gap, b.Dy()+2*lineHeight
	w := max(columns*cellW-gap, 420)
	c := newCanvas(w+2*margin, margin+lineHeight+rows*cellH+barTop+2*lineHeight+margin)
	c.write(fit(title, textSize, w), margin, margin+12, textSize, ink)
	all := scaleOfAll(maps)
	for i, m := range maps {
		x, y := margin+i%columns*cellW, margin+lineHeight+4+i/columns*cellH
		s := all
		if !shared {
			s = ScaleOf(m.Grid.Values)
		}
		c.put(Overlay(under, m.Grid, s, style), x, y)
		c.write(fit(m.Label, smallSize, b.Dx()), x, y+b.Dy()+13, smallSize, ink)
		if !shared {
			c.write(fit(fmt.Sprintf("%s to %s", Number(s.Least), Number(s.Largest)), smallSize, b.Dx()), x, y+b.Dy()+26, smallSize, faint)
		}
	}
	y := margin + lineHeight + rows*cellH + barTop
	if shared {
		c.bar(margin, y, w, 12, all, style.Colors)
	} else {
		c.bar(margin, y, w, 12, Scale{0, 1}, style.Colors)
		c.write(fit("each map from its own least number to its largest, which stand below it", smallSize, w-80), margin+24, y+27, smallSize, faint)
	}
	return c.img
}

func scaleOfAll(maps []Small) Scale {
	s := ScaleOf(maps[0].Grid.Values)
	for _, m := range maps[1:] {
		t := ScaleOf(m.Grid.Values)
		s = Scale{min(s.Least, t.Least), max(s.Largest, t.Largest)}
	}
	return s
}
