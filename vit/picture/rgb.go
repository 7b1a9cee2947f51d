package picture

import (
	"fmt"
	"image"
	"image/color"
)

// toRGB reads the fields of a decoded picture as Pillow's convert("RGB") does: alpha is dropped and not multiplied in, 16
// bits lose the low byte, but a 16-bit gray is cut off at 255. gray16 says that an NRGBA64 is such a gray with a
// transparent value.
func toRGB(src image.Image, gray16 bool) (Image, error) {
	b := src.Bounds()
	out := newImage(b.Dx(), b.Dy())
	w := b.Dx()
	each := func(f func(x, y int) (r, g, b uint8)) {
		for y := range out.Height {
			for x := range w {
				i := 3 * (y*w + x)
				out.Pix[i], out.Pix[i+1], out.Pix[i+2] = f(b.Min.X+x, b.Min.Y+y)
			}
		}
	}
	cut := func(v uint16) uint8 { return uint8(min(v, 255)) }
	switch p := src.(type) {
	case *image.Gray:
		each(func(x, y int) (uint8, uint8, uint8) { v := p.GrayAt(x, y).Y; return v, v, v })
	case *image.Gray16:
		each(func(x, y int) (uint8, uint8, uint8) { v := cut(p.Gray16At(x, y).Y); return v, v, v })
	case *image.RGBA:
		each(func(x, y int) (uint8, uint8, uint8) { c := p.RGBAAt(x, y); return c.R, c.G, c.B })
	case *image.NRGBA:
		each(func(x, y int) (uint8, uint8, uint8) { c := p.NRGBAAt(x, y); return c.R, c.G, c.B })
	case *image.RGBA64:
		each(func(x, y int) (uint8, uint8, uint8) {
			c := p.RGBA64At(x, y)
			return uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)
		})
	case *image.NRGBA64:
		each(func(x, y int) (uint8, uint8, uint8) {
			c := p.NRGBA64At(x, y)
			if gray16 {
				return cut(c.R), cut(c.R), cut(c.R)
			}
			return uint8(c.R >> 8), uint8(c.G >> 8), uint8(c.B >> 8)
		})
	case *image.Paletted:
		table := paletteRGB(p.Palette)
		each(func(x, y int) (uint8, uint8, uint8) { c := table[p.ColorIndexAt(x, y)]; return c[0], c[1], c[2] })
	default:
		return Image{}, fmt.Errorf("the pixel format %T is not supported; save the picture again as PNG or JPEG", src)
	}
	return out, nil
}

// paletteRGB are a palette's colours without alpha; an index past its end is black.
func paletteRGB(p color.Palette) (table [256][3]uint8) {
	for i, c := range p {
		switch c := c.(type) {
		case color.RGBA:
			table[i] = [3]uint8{c.R, c.G, c.B}
		case color.NRGBA:
			table[i] = [3]uint8{c.R, c.G, c.B}
		default:
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			table[i] = [3]uint8{n.R, n.G, n.B}
		}
	}
	return table
}
