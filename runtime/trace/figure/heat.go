package figure

import (
	"image"
	"image/color"
	"math"
	"slices"
)

// Table is numbers in rows and columns, with a word in each cell where Words is not nil. A number that is NaN is missing.
type Table struct {
	Title, Note   string
	Rows, Columns []string // labels
	Values        [][]float64
	Words         [][]string
	// Scale is that of the colors, where it is not the one from the least number to the largest. What lies beyond it has the color
	// of its end.
	Scale *Scale
}

// Heat draws a table in the colors of its scale, which stands below it. Long tables keep every cell and become large pictures.
func Heat(t Table, style Style) *image.RGBA {
	cellW, cellH := 34, 22
	if t.Words != nil {
		cellW = 86
	}
	left := 0
	for _, r := range t.Rows {
		left = max(left, width(r, smallSize))
	}
	left += margin + 6
	w := max(left+cellW*len(t.Columns)+margin, 440)
	title := t.Title
	if style.Detail != "" {
		title += ", " + style.Detail
	}
	top := headingHeight(title, style, w-2*margin) + lineHeight
	c := newCanvas(w, top+cellH*len(t.Rows)+barTop+3*lineHeight+margin)
	c.heading(title, style, w-2*margin)
	for j, label := range t.Columns {
		c.write(fit(label, smallSize, cellW-4), left+j*cellW+2, top-6, smallSize, faint)
	}
	s := ScaleOf(slices.Concat(t.Values...))
	if t.Scale != nil {
		s = *t.Scale
	}
	colors := s.colors(style.Colors)
	for i, row := range t.Values {
		y := top + i*cellH
		c.write(t.Rows[i], left-6-width(t.Rows[i], smallSize), y+15, smallSize, faint)
		for j, v := range row {
			if math.IsNaN(v) {
				c.fillMissing(left+j*cellW, y, cellW-1, cellH-1)
				continue
			}
			of := colors.At(s.Part(v))
			c.fill(left+j*cellW, y, cellW-1, cellH-1, of)
			if t.Words != nil {
				c.write(fit(t.Words[i][j], smallSize, cellW-6), left+j*cellW+3, y+15, smallSize, readable(of))
			}
		}
	}
	y := top + cellH*len(t.Rows) + barTop
	c.tableBar(margin, y, w-2*margin, s, style.Colors)
	c.write(fit(t.Note, smallSize, w-2*margin), margin, y+12+lineHeight+14, smallSize, faint)
	return c.img
}

// fillMissing stripes a rectangle.
func (c canvas) fillMissing(x, y, w, h int) {
	for j := range h {
		for i := range w {
			c.img.SetRGBA(x+i, y+j, missing(x+i, y+j))
		}
	}
}

// tableBar is a bar whose colors cover: the cells of a table lie on nothing.
func (c canvas) tableBar(x, y, w int, s Scale, chosen *Colors) {
	c.bar(x, y, w, 12, s, chosen)
	for i := range w {
		c.fill(x+i, y, 1, 12, s.colors(chosen).At(float64(i)/float64(w-1)))
	}
}

// fill paints a rectangle.
func (c canvas) fill(x, y, w, h int, of color.RGBA) {
	for j := range h {
		for i := range w {
			c.img.SetRGBA(x+i, y+j, of)
		}
	}
}

// readable is black or white, whichever stands out from a color: by the luma of ITU-R BT.601.
func readable(on color.RGBA) color.RGBA {
	if 299*int(on.R)+587*int(on.G)+114*int(on.B) > 128*1000 {
		return color.RGBA{0, 0, 0, 255}
	}
	return color.RGBA{255, 255, 255, 255}
}
