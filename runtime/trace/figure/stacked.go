package figure

import "image"

// Stacked is pictures one below the other.
func Stacked(images []*image.RGBA) *image.RGBA {
	w, h := 0, 0
	for _, img := range images {
		w, h = max(w, img.Bounds().Dx()), h+img.Bounds().Dy()
	}
	c := newCanvas(w, h)
	y := 0
	for _, img := range images {
		c.put(img, 0, y)
		y += img.Bounds().Dy()
	}
	return c.img
}
