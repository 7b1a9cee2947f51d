package figure

import (
	"encoding/hex"
	"fmt"
	"image/color"

	"github.com/loupe-vl/loupe/weights/option"
)

// Colors is a perceptually uniform color map: equal steps of a number look like equal steps.
type Colors [256]color.RGBA

// The maps.
var (
	Viridis = table(viridisTable)
	Magma   = table(magmaTable)
	// Diverging goes from blue through white, which is 0, to red. It is for signed numbers.
	Diverging = table(divergingTable)
)

// table reads the colors of a map, three bytes each in hexadecimal.
func table(text string) *Colors {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != 3*256 {
		panic(fmt.Sprintf("a color table has %d bytes: %v", len(data), err)) // it is part of the program
	}
	var c Colors
	for i := range c {
		c[i] = color.RGBA{data[3*i], data[3*i+1], data[3*i+2], 255}
	}
	return &c
}

// ColorsOf is the map of that name; "" is viridis.
func ColorsOf(name string) (*Colors, error) {
	switch name {
	case "", "viridis":
		return Viridis, nil
	case "magma":
		return Magma, nil
	}
	return nil, &option.Error{Field: "figure.Style.Colors", Value: name, Want: "give viridis or magma"}
}

// At is the color of a part of the scale, 0 to 1.
func (c *Colors) At(part float64) color.RGBA {
	return c[int(min(max(part, 0), 1)*255+0.5)]
}
