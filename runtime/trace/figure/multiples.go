package figure

import (
	"image"
	"image/color"
)

// Small is one of many small maps of the same picture, at a row and a column of the figure.
type Small struct {
	Row, Col int
	Grid     Grid
	// Share is the part of the whole that the map shows, 0 to 1, written below it; negative: not written.
	Share float64
}

// Heads names the rows and columns of a figure of many small maps.
type Heads struct {
	Rows, Cols  []string // "layer 3", "7"
	Row, Column string   // what rows and columns are: "layer", "head"
	Note        string
}

// The widths of a figure of many maps: no wider than a screen, unless its maps would be too small to see.
const (
	multiplesWidth = 1240
	leastMultiple  = 28
)

// Multiples draws many maps over one picture, in rows and columns with names at the edges. Each map has its own scale. A
// place without a map stays empty.
func Multiples(under *image.RGBA, title string, maps []Small, h Heads, style Style) *image.RGBA {
	if style.Detail != "" {
		title += ", " + style.Detail
	}
	corner := h.Row + " \\ " + h.Column
	left := width(corner, smallSize)
	for _, name := range h.Rows {
		left = max(left, width(name, smallSize))
	}
	left += margin + 8
	const space = 4
	side := (multiplesWidth-left-margin)/len(h.Cols) - space
	side = min(max(side, leastMultiple), max(96, style.Side/3))
	small := shrinkTo(under, side)
	b := small.Bounds()
	cellW, cellH := b.Dx()+space, max(b.Dy()+space+3, smallSize+3) // the name of a row has room
	w := max(left+cellW*len(h.Cols)+margin, 420)
	inner := w - 2*margin
	notes := append(wrap(h.Note, smallSize, inner), wrap("each map from its own least number to its largest", smallSize, inner)...)
	top := headingHeight(title, style, inner) + lineHeight
	bottom := top + cellH*len(h.Rows) + barTop
	c := newCanvas(w, bottom+12+lineHeight+(lineHeight-4)*len(notes)+margin)
	c.heading(title, style, inner)
	c.write(corner, margin, top-6, smallSize, faint)
	every := 1 // with narrow columns, each second or fifth has its name
	for _, n := range []int{1, 2, 5, 10} {
		if every = n; cellW*n >= width(h.Cols[len(h.Cols)-1], smallSize)+4 {
			break
		}
	}
	for j, name := range h.Cols {
		if j%every == 0 {
			c.write(name, left+j*cellW+(b.Dx()-width(name, smallSize))/2, top-6, smallSize, ink)
		}
	}
	for i, name := range h.Rows {
		c.write(name, left-8-width(name, smallSize), top+i*cellH+b.Dy()/2+4, smallSize, ink)
	}
	for _, m := range maps {
		x, y := left+m.Col*cellW, top+m.Row*cellH
		c.put(Overlay(small, m.Grid, ScaleOf(m.Grid.Values), style), x, y)
		if m.Share >= 0 {
			c.fill(x, y+b.Dy()+1, b.Dx(), 2, color.RGBA{0xdd, 0xdd, 0xdd, 255})
			c.fill(x, y+b.Dy()+1, int(min(m.Share, 1)*float64(b.Dx())+0.5), 2, ink)
		}
	}
	c.bar(margin, bottom, inner, 12, Scale{Least: 0, Largest: 1}, style.Colors)
	c.fill(margin, bottom+13, inner, lineHeight, color.RGBA{255, 255, 255, 255})
	c.write("least", margin, bottom+27, smallSize, ink)
	c.write("largest", margin+inner-width("largest", smallSize), bottom+27, smallSize, ink)
	for i, line := range notes {
		c.write(line, margin, bottom+12+lineHeight+14+(lineHeight-4)*i, smallSize, faint)
	}
	return c.img
}

// shrinkTo scales a picture down to the longer side side, by the mean of pixels. It does not enlarge.
func shrinkTo(img *image.RGBA, side int) *image.RGBA {
	b := img.Bounds()
	longer := max(b.Dx(), b.Dy())
	if longer <= side {
		return enlarge(img, max(1, side/longer))
	}
	w, h := max(1, b.Dx()*side/longer), max(1, b.Dy()*side/longer)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sum [3]int
			n := 0
			for v := y * b.Dy() / h; v < max((y+1)*b.Dy()/h, y*b.Dy()/h+1); v++ {
				for u := x * b.Dx() / w; u < max((x+1)*b.Dx()/w, x*b.Dx()/w+1); u++ {
					of := img.RGBAAt(b.Min.X+u, b.Min.Y+v)
					sum[0], sum[1], sum[2], n = sum[0]+int(of.R), sum[1]+int(of.G), sum[2]+int(of.B), n+1
				}
			}
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255})
		}
	}
	return out
}
