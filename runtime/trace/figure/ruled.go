package figure

import (
	"image"
	"image/color"
)

// Ruled is the picture with the lines of its grid of rows x cols patches: thin ones between patches, thick ones between the
// squares of merge x merge that become one token, and a frame around the patch in row and col, counted from 0.
func Ruled(under *image.RGBA, rows, cols, merge, row, col int, style Style) *image.RGBA {
	out := canvas{enlarge(under, zoom(under.Bounds(), style.Side))}
	b := out.img.Bounds()
	y := func(i int) int { return i * b.Dy() / rows }
	x := func(i int) int { return i * b.Dx() / cols }
	for i := 1; i < rows; i++ {
		out.fill(0, y(i)-thick(i, merge)/2, b.Dx(), thick(i, merge), line)
	}
	for i := 1; i < cols; i++ {
		out.fill(x(i)-thick(i, merge)/2, 0, thick(i, merge), b.Dy(), line)
	}
	top, left, bottom, right := y(row), x(col), y(row+1), x(col+1)
	for _, f := range [][4]int{{left, top, right - left, 3}, {left, bottom - 3, right - left, 3}, {left, top, 3, bottom - top}, {right - 3, top, 3, bottom - top}} {
		out.fill(f[0], f[1], f[2], f[3], frame)
	}
	return out.img
}

var (
	line  = color.RGBA{255, 255, 255, 255}
	frame = color.RGBA{255, 0, 144, 255}
)

// thick is the width of the line before row or column i.
func thick(i, merge int) int {
	if i%merge == 0 {
		return 3
	}
	return 1
}
