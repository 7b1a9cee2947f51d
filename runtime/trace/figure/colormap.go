package figure

import (
	"encoding/hex"
	"fmt"
	"image/color"
	"slices"
)

// Colors is a perceptually uniform color map: equal steps of a number look like equal steps.
type Colors [256]color.RGBA

// The maps.
var (
	Viridis = table(viridisTable)
	Magma   = table(magmaTable)
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
	return nil, fmt.Errorf("--colors %q is unknown; viridis and magma are known", name)
}

// At is the color of a part of the scale, 0 to 1.
func (c *Colors) At(part float64) color.RGBA {
	return c[int(min(max(part, 0), 1)*255+0.5)]
}

// Scale is the numbers at the ends of a color map.
type Scale struct {
	Least   float64 `json:"least"`
	Largest float64 `json:"largest"`
}

// ScaleOf is the least and the largest of values.
func ScaleOf(values []float64) Scale { return Scale{slices.Min(values), slices.Max(values)} }

// Part is where a number lies on the scale, 0 to 1; on a scale of one number, 0.
func (s Scale) Part(v float64) float64 {
	if s.Largest <= s.Least {
		return 0
	}
	return (v - s.Least) / (s.Largest - s.Least)
}
