package figure

import (
	"image"
	"image/color"
	"math"
)

// Style is how a map is drawn. Its zero value is not a style: see DefaultStyle.
type Style struct {
	Colors *Colors
	Alpha  float64 // how much of the color covers the picture, 0 to 1
	Smooth bool    // interpolate between the centers of cells, so that cells do not show
	Side   int     // the longer side of a drawn picture in pixels, at least
	// About is a line below the title: the model and the question. "": none.
	About string
	// Detail is what the title says beside the method: layers, heads, the token. "": nothing.
	Detail string
}

// DefaultStyle is viridis over six tenths of the picture, with hard cells.
func DefaultStyle() Style { return Style{Colors: Viridis, Alpha: 0.6, Side: 420} }

// Grid is numbers on the cells of a picture, row by row from the top left.
type Grid struct {
	Rows, Cols int
	Values     []float64
}

// Overlay is the picture with the grid's colors over it. A cell without a number, NaN, is striped.
func Overlay(under *image.RGBA, g Grid, s Scale, style Style) *image.RGBA {
	b := under.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	colors := s.colors(style.Colors)
	for y := range b.Dy() {
		for x := range b.Dx() {
			v := g.at(x, y, b.Dx(), b.Dy())
			if style.Smooth {
				v = g.between(x, y, b.Dx(), b.Dy())
			}
			if math.IsNaN(v) {
				out.SetRGBA(x, y, missing(x, y))
				continue
			}
			part := s.Part(v)
			out.SetRGBA(x, y, blend(under.RGBAAt(b.Min.X+x, b.Min.Y+y), colors.At(part), style.Alpha*s.Cover(part)))
		}
	}
	return out
}

// at is the number of the cell that pixel (x, y) of w x h lies in.
func (g Grid) at(x, y, w, h int) float64 { return g.Values[y*g.Rows/h*g.Cols+x*g.Cols/w] }

// between is the bilinear mean of the four cells whose middles are nearest.
func (g Grid) between(x, y, w, h int) float64 {
	left, right, across := neighbors(x, w, g.Cols)
	top, bottom, down := neighbors(y, h, g.Rows)
	row := func(r int) float64 { return mix(g.Values[r*g.Cols+left], g.Values[r*g.Cols+right], across) }
	return mix(row(top), row(bottom), down)
}

// neighbors are the cells before and after a pixel of n, and its position between their centers, 0 to 1.
func neighbors(i, n, cells int) (before, after int, part float64) {
	at := min(max((float64(i)+0.5)*float64(cells)/float64(n)-0.5, 0), float64(cells-1))
	before = int(at)
	return before, min(before+1, cells-1), at - float64(before)
}

func mix(a, b, part float64) float64 { return a + (b-a)*part }

func blend(under, over color.RGBA, alpha float64) color.RGBA {
	f := func(a, b uint8) uint8 { return uint8(mix(float64(a), float64(b), alpha) + 0.5) }
	return color.RGBA{f(under.R, over.R), f(under.G, over.G), f(under.B, over.B), 255}
}

// enlarge makes each pixel a square of n x n.
func enlarge(img *image.RGBA, n int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx()*n, b.Dy()*n))
	for y := range b.Dy() * n {
		for x := range b.Dx() * n {
			out.SetRGBA(x, y, img.RGBAAt(b.Min.X+x/n, b.Min.Y+y/n))
		}
	}
	return out
}

// zoom is the factor by which a picture is enlarged to have a side of at least side.
func zoom(b image.Rectangle, side int) int {
	longer := max(b.Dx(), b.Dy())
	return max(1, (side+longer-1)/longer)
}
