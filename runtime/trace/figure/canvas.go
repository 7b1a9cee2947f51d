package figure

import (
	"image"
	"image/color"
	"image/draw"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// canvas is a white picture to write and draw on.
type canvas struct{ img *image.RGBA }

var (
	ink   = color.RGBA{0x22, 0x22, 0x22, 255}
	faint = color.RGBA{0x77, 0x77, 0x77, 255}
)

func newCanvas(w, h int) canvas {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	return canvas{img}
}

// The sizes of text in pixels, and the height of a line.
const (
	textSize   = 13
	smallSize  = 11
	lineHeight = 20
)

// faces are the typeface (Go Regular, part of golang.org/x/image) in the sizes of text. A face is not for concurrent use.
var faces = struct {
	sync.Mutex
	of map[int]font.Face
}{of: map[int]font.Face{}}

// face calls f with the typeface in a size.
func face(size int, f func(font.Face)) {
	faces.Lock()
	defer faces.Unlock()
	if faces.of[size] == nil {
		parsed, err := opentype.Parse(goregular.TTF)
		if err != nil {
			panic(err) // it is part of the program
		}
		made, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			panic(err)
		}
		faces.of[size] = made
	}
	f(faces.of[size])
}

// width is how wide a text is.
func width(text string, size int) (n int) {
	face(size, func(f font.Face) { n = font.MeasureString(f, text).Ceil() })
	return n
}

// write writes a line whose baseline begins at (x, y).
func (c canvas) write(text string, x, y, size int, of color.Color) {
	face(size, func(f font.Face) {
		d := font.Drawer{Dst: c.img, Src: image.NewUniform(of), Face: f, Dot: fixed.P(x, y)}
		d.DrawString(text)
	})
}

// put draws a picture with its upper left corner at (x, y).
func (c canvas) put(img *image.RGBA, x, y int) {
	draw.Draw(c.img, img.Bounds().Add(image.Pt(x, y)), img, img.Bounds().Min, draw.Src)
}

// bar draws a color map of w x h from left to right, with the scale's numbers below its ends, and a mark at 0 where that lies
// between them.
func (c canvas) bar(x, y, w, h int, s Scale, colors *Colors) {
	for i := range w {
		of := colors.At(float64(i) / float64(w-1))
		for j := range h {
			c.img.SetRGBA(x+i, y+j, of)
		}
	}
	left, right := Number(s.Least), Number(s.Largest)
	c.write(left, x, y+h+15, smallSize, ink)
	end := x + w - width(right, smallSize)
	c.write(right, end, y+h+15, smallSize, ink)
	if at := x + int(s.Part(0)*float64(w-1)+0.5); s.Least < 0 && s.Largest > 0 {
		for j := -2; j < h+4; j++ {
			c.img.SetRGBA(at, y+j, ink)
		}
		if at-4 > x+width(left, smallSize)+4 && at+8 < end {
			c.write("0", at-3, y+h+15, smallSize, ink)
		}
	}
}

// Number is a number as figures show it: four digits.
func Number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// Fixed is a number with so many digits after the point. One that is rounded to 0 has no sign.
func Fixed(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return text
}

// fit shortens a text to a width.
func fit(text string, size, most int) string {
	if width(text, size) <= most {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && width(string(runes)+"…", size) > most {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
