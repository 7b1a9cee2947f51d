package picture

import (
	"fmt"
	"math"
)

// maxRatio is the longest side over the shortest beyond which the reference refuses a picture.
const maxRatio = 200

// SmartResize is the reference's smart_resize: height and width as multiples of factor, with an area within minPixels and
// maxPixels and nearly the same ratio. It rounds half to even, as Python's round does.
func SmartResize(h, w, factor, minPixels, maxPixels int) (height, width int, err error) {
	if h <= 0 || w <= 0 || factor <= 0 {
		return 0, 0, fmt.Errorf("a picture of %d x %d pixels cannot be resized", w, h)
	}
	if ratio := float64(max(h, w)) / float64(min(h, w)); ratio > maxRatio {
		return 0, 0, fmt.Errorf("the picture is %d x %d pixels: one side is %.0f times the other, and the model takes at most %d; crop it", w, h, ratio, maxRatio)
	}
	f := float64(factor)
	round := func(x int) int { return int(math.RoundToEven(float64(x)/f)) * factor }
	height, width = round(h), round(w)
	switch area := float64(h * w); {
	case height*width > maxPixels:
		beta := math.Sqrt(area / float64(maxPixels))
		down := func(x int) int { return max(factor, int(math.Floor(float64(x)/beta/f))*factor) }
		height, width = down(h), down(w)
	case height*width < minPixels:
		beta := math.Sqrt(float64(minPixels) / area)
		up := func(x int) int { return int(math.Ceil(float64(float64(x)*beta)/f)) * factor }
		height, width = up(h), up(w)
	}
	return height, width, nil
}
