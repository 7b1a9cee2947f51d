package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
)

// The picture's size in pixels: 10 x 8 tokens of 28 x 28, so that it needs no resizing.
const (
	width  = 280
	height = 224
)

// colour is red, green, blue, each 0..255.
type colour [3]int

// mix is a for t = 0, b for t = n, and between them on the way.
func mix(a, b colour, t, n int) colour {
	t = min(max(t, 0), n)
	for i := range a {
		a[i] += (b[i] - a[i]) * t / n
	}
	return a
}

// A hill is a ridge across the picture, with the colours of its top and foot. Later hills lie in front.
type hill struct {
	ridge    [width]int // y of its top at each x
	top, low colour
}

// scene is what there is to paint.
type scene struct {
	hills      []hill
	sunX, sunY int
}

// newScene draws the ridges: straight pieces between random points, rounded off.
func newScene(r *rand.PCG) scene {
	s := scene{sunX: 196, sunY: 62, hills: []hill{
		{top: colour{120, 130, 168}, low: colour{152, 148, 160}},
		{top: colour{88, 112, 120}, low: colour{120, 134, 112}},
		{top: colour{72, 96, 54}, low: colour{150, 142, 60}},
	}}
	for i := range s.hills {
		const step = 35
		var knots [width/step + 1]int
		for k := range knots {
			knots[k] = 104 + 26*i + below(r, 34)
		}
		for x := range width {
			k, t := x/step, x%step
			// 3t² - 2t³ in units of step: level at each knot.
			eased := t * t * (3*step - 2*t)
			s.hills[i].ridge[x] = knots[k] + (knots[k+1]-knots[k])*eased/(step*step*step)
		}
	}
	return s
}

// at is the colour of the scene at a point before any brush touches it.
func (s *scene) at(x, y int) colour {
	for i := len(s.hills) - 1; i >= 0; i-- {
		if h := &s.hills[i]; y >= h.ridge[x] {
			return mix(h.top, h.low, y-h.ridge[x], 70)
		}
	}
	d := (x-s.sunX)*(x-s.sunX) + (y-s.sunY)*(y-s.sunY)
	if d < 20*20 {
		return colour{255, 238, 176}
	}
	sky := mix(colour{54, 84, 156}, colour{244, 176, 118}, y, 150)
	return mix(colour{252, 214, 146}, sky, d-20*20, 64*64)
}

// paint lays strokes on the scene, each in the colour of the place where it begins, a little off: across in the sky, down
// the slope on a hill.
func paint() *image.RGBA {
	r := newSource("picture")
	s := newScene(r)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			set(img, x, y, s.at(x, y))
		}
	}
	for range 5200 {
		x, y := below(r, width), below(r, height)
		c := s.at(x, y)
		shade := below(r, 37) - 18
		for i := range c {
			c[i] += shade + below(r, 15) - 7
		}
		length, thick, dy := 5+below(r, 12), 1+below(r, 3), 0
		if y >= s.hills[0].ridge[x] {
			dy = below(r, 3) + 1 // of 4 pixels along
		}
		for i := range length {
			for j := range thick {
				set(img, x+i, y+j+i*dy/4, c)
			}
		}
	}
	return img
}

// set colours one pixel; outside the picture it does nothing.
func set(img *image.RGBA, x, y int, c colour) {
	if !image.Pt(x, y).In(img.Rect) {
		return
	}
	for i := range c {
		c[i] = min(max(c[i], 0), 255)
	}
	img.SetRGBA(x, y, color.RGBA{R: uint8(c[0]), G: uint8(c[1]), B: uint8(c[2]), A: 255})
}

// encodePNG compresses as well as it can. The compressed bytes are one Go release's; the pixels are everyone's.
func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	err := e.Encode(&b, img)
	return b.Bytes(), err
}
