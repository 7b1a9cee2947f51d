package picture

// upright turns a picture as ImageOps.exif_transpose does for an EXIF orientation of 1 to 8.
func upright(img Image, orientation int) Image {
	w, h := img.Width, img.Height
	var from func(x, y int) (int, int) // the source of pixel (x, y)
	switch orientation {
	case 2:
		from = func(x, y int) (int, int) { return w - 1 - x, y }
	case 3:
		from = func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }
	case 4:
		from = func(x, y int) (int, int) { return x, h - 1 - y }
	case 5:
		from = func(x, y int) (int, int) { return y, x }
	case 6:
		from = func(x, y int) (int, int) { return y, h - 1 - x }
	case 7:
		from = func(x, y int) (int, int) { return w - 1 - y, h - 1 - x }
	case 8:
		from = func(x, y int) (int, int) { return w - 1 - y, x }
	default:
		return img
	}
	out := newImage(w, h)
	out.Key = img.Key
	if orientation >= 5 {
		out.Width, out.Height = h, w
	}
	for y := range out.Height {
		for x := range out.Width {
			sx, sy := from(x, y)
			copy(out.Pix[3*(y*out.Width+x):], img.Pix[3*(sy*w+sx):][:3])
		}
	}
	return out
}
