package jpeg

// rows calls f with each row of the picture, one slice for each component.
func (d *decoder) rows(f func(y int, row [][]byte)) error {
	ups := make([]*upsampler, len(d.comps))
	smooths := d.smooths()
	for i, c := range d.comps {
		var smooth *smoother
		if smooths {
			smooth = d.newSmoother(c)
		}
		s, err := d.plane(c, smooth)
		if err != nil {
			return err
		}
		c.coef = nil
		if hx, vx := d.hMax/int(c.h), d.vMax/int(c.v); len(d.comps) == 1 { // one component's sampling means nothing
			ups[i] = newUpsampler(s, d.width, d.height, 1, 1, d.width)
		} else {
			ups[i] = newUpsampler(s, c.width, c.height, hx, vx, d.width)
		}
	}
	row := make([][]byte, len(d.comps))
	for y := range d.height {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		for i, u := range ups {
			row[i] = u.row(y)
		}
		f(y, row)
	}
	return nil
}

// image converts the components to RGB.
func (d *decoder) image() (*Image, error) {
	img := &Image{Width: d.width, Height: d.height, Pix: make([]byte, 3*d.width*d.height)}
	ycc := d.isYCC()
	err := d.rows(func(y int, row [][]byte) {
		out := img.Pix[3*y*d.width : 3*(y+1)*d.width]
		switch len(row) {
		case 1:
			for x, v := range row[0] {
				out[3*x], out[3*x+1], out[3*x+2] = v, v, v
			}
		case 3:
			for x := range d.width {
				r, g, b := row[0][x], row[1][x], row[2][x]
				if ycc {
					r, g, b = yccRGB(r, g, b)
				}
				out[3*x], out[3*x+1], out[3*x+2] = r, g, b
			}
		default:
			for x := range d.width {
				c, m, y := row[0][x], row[1][x], row[2][x]
				if ycc {
					r, g, b := yccRGB(c, m, y)
					c, m, y = 255-r, 255-g, 255-b
				}
				out[3*x], out[3*x+1], out[3*x+2] = cmykRGB(255-c, 255-m, 255-y, 255-row[3][x])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// isYCC tells the color space as libjpeg guesses it (default_decompress_parms).
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
