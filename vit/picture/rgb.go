package picture

import (
	"fmt"
	"image"
)

// fromNRGBA takes the colors of a decoded picture as they are: alpha is dropped and not multiplied in, as Pillow's
// convert("RGB") drops it.
func fromNRGBA(src image.Image) (Image, error) {
	p, ok := src.(*image.NRGBA)
	if !ok {
		return Image{}, fmt.Errorf("the pixel format %T is not supported; save the picture again as PNG or JPEG", src)
	}
	b := p.Bounds()
	out := newImage(b.Dx(), b.Dy())
	for y := range out.Height {
		row := p.Pix[y*p.Stride:]
		for x := range out.Width {
			copy(out.Pix[3*(y*out.Width+x):][:3], row[4*x:])
		}
	}
	return out, nil
}
