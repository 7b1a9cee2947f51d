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

// bar draws a color map of w x h from left to right, with numbers below it: at its ends, and round ones between. A signed
// scale is drawn over white.
func (c canvas) bar(x, y, w, h int, s Scale, chosen *Colors) {
	colors, white := s.colors(chosen), color.RGBA{255, 255, 255, 255}
	for i := range w {
		part := float64(i) / float64(w-1)
		of := blend(white, colors.At(part), s.Cover(part))
		for j := range h {
			c.img.SetRGBA(x+i, y+j, of)
		}
	}
	if s.Signed { // its middle is as white as the paper
		for i := range w {
			c.img.SetRGBA(x+i, y, faint)
			c.img.SetRGBA(x+i, y+h-1, faint)
		}
	}
	left, right := Number(s.Least), Number(s.Largest)
	c.write(left, x, y+h+15, smallSize, ink)
	end := x + w - width(right, smallSize)
	c.write(right, end, y+h+15, smallSize, ink)
	free := x + width(left, smallSize) + 10
	for _, v := range s.Ticks(max(3, w/90)) {
		text := Number(v)
		at, wide := x+int(s.Part(v)*float64(w-1)+0.5), width(Number(v), smallSize)
		for j := range 4 {
			c.img.SetRGBA(at, y+h+j-1, ink)
		}
		if from := at - wide/2; from >= free && from+wide+10 <= end {
			c.write(text, from, y+h+15, smallSize, ink)
			free = from + wide + 10
		}
	}
}

// heading writes a figure's title, and what it is of, and returns how far down it reaches. Long ones take several lines.
func (c canvas) heading(title string, style Style, w int) int {
	y := margin + 12
	for _, part := range []struct {
		text string
		size int
		of   color.Color
	}{{title, textSize, ink}, {style.About, smallSize, faint}} {
		for _, line := range wrap(part.text, part.size, w) {
			c.write(line, margin, y, part.size, part.of)
			y += lineHeight - 4
		}
	}
	return y - 8
}

// headingHeight is how far down heading reaches.
func headingHeight(title string, style Style, w int) int {
	return margin + 4 + (lineHeight-4)*(len(wrap(title, textSize, w))+len(wrap(style.About, smallSize, w)))
}

// mostLines is how many lines of a title are written.
const mostLines = 3

// wrap breaks a text into lines that are no wider than w. What does not go into mostLines is cut.
func wrap(text string, size, w int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		switch {
		case last < 0:
			lines = append(lines, word)
		case width(lines[last]+" "+word, size) <= w || last == mostLines-1:
			lines[last] += " " + word
		default:
			lines = append(lines, word)
		}
	}
	for i := range lines {
		lines[i] = fit(lines[i], size, w)
	}
	return lines
}

// Number is a number as figures show it: four digits. 0 has no sign.
func Number(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

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
