package figure

import "image/color"

// The colors of a cell for which there is no number: gray with stripes, as no color map has it.
var (
	missingGround = color.RGBA{0xd4, 0xd4, 0xd4, 255}
	missingStripe = color.RGBA{0x94, 0x94, 0x94, 255}
)

// missing is the color of a pixel of a cell that has no number.
func missing(x, y int) color.RGBA {
	if (x+y)%6 < 2 {
		return missingStripe
	}
	return missingGround
}
