package jpeg

// planes are the components at the picture's size.
func (d *decoder) planes() ([][]byte, error) {
	planes := make([][]byte, len(d.comps))
	smooths := d.smooths()
	for i, c := range d.comps {
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
		var smooth *smoother
		if smooths {
			smooth = d.newSmoother(c)
		}
		if len(d.comps) == 1 {
			c.width, c.height = d.width, d.height // one component's sampling means nothing
			planes[i] = c.plane(smooth)
			continue
		}
		planes[i] = upsample(c.plane(smooth), c.width, c.height, d.hMax/int(c.h), d.vMax/int(c.v), d.width, d.height)
		c.coef = nil
	}
	return planes, nil
}

// image upsamples the planes and converts them to RGB.
func (d *decoder) image() (*Image, error) {
	planes, err := d.planes()
	if err != nil {
		return nil, err
	}
	n := d.width * d.height
	img := &Image{Width: d.width, Height: d.height, Pix: make([]byte, 3*n)}
	ycc := d.isYCC()
	for i := range n {
		p := img.Pix[3*i : 3*i+3 : 3*i+3]
		switch len(planes) {
		case 1:
			p[0], p[1], p[2] = planes[0][i], planes[0][i], planes[0][i]
		case 3:
			p[0], p[1], p[2] = planes[0][i], planes[1][i], planes[2][i]
			if ycc {
				p[0], p[1], p[2] = yccRGB(p[0], p[1], p[2])
			}
		default:
			c, m, y := planes[0][i], planes[1][i], planes[2][i]
			if ycc {
				r, g, b := yccRGB(c, m, y)
				c, m, y = 255-r, 255-g, 255-b
			}
			p[0], p[1], p[2] = cmykRGB(255-c, 255-m, 255-y, 255-planes[3][i])
		}
	}
	return img, nil
}

// isYCC tells the colour space as libjpeg guesses it (default_decompress_parms).
func (d *decoder) isYCC() bool {
	switch {
	case len(d.comps) == 4:
		return d.adobe && d.transform != 0
	case d.jfif:
		return true
	case d.adobe:
		return d.transform != 0
	}
	return len(d.comps) != 3 || d.comps[0].id != 'R' || d.comps[1].id != 'G' || d.comps[2].id != 'B'
}

func yccRGB(y, cb, cr byte) (r, g, b byte) {
	l, u, v := int32(y), int32(cb)-128, int32(cr)-128
	clip := func(v int32) byte { return byte(max(0, min(255, v))) }
	return clip(l + (91881*v+32768)>>16), clip(l + (-22554*u-46802*v+32768)>>16), clip(l + (116130*u+32768)>>16)
}

// cmykRGB is Pillow's conversion of inks, which it has inverted before, as it does with every CMYK JPEG.
func cmykRGB(c, m, y, k byte) (r, g, b byte) {
	n := 255 - int(k)
	ink := func(v byte) byte {
		t := int(v)*n + 128
		return byte(max(0, n-((t>>8)+t)>>8))
	}
	return ink(c), ink(m), ink(y)
}
