package picture

import "image"

// webpRGB converts a VP8 picture as libwebp does: its "fancy" upsampling of the chroma planes, then its fixed-point colors.
func webpRGB(p *image.YCbCr) Image {
	b := p.Bounds()
	out := newImage(b.Dx(), b.Dy())
	cw, ch := (out.Width+1)/2, (out.Height+1)/2
	for y := range out.Height {
		near := y / 2
		far := max(near-1, 0)
		if y&1 == 1 {
			far = min(near+1, ch-1)
		}
		u, uf := p.Cb[near*p.CStride:], p.Cb[far*p.CStride:]
		v, vf := p.Cr[near*p.CStride:], p.Cr[far*p.CStride:]
		luma := p.Y[y*p.YStride:]
		for x := range out.Width {
			i := 3 * (y*out.Width + x)
			out.Pix[i], out.Pix[i+1], out.Pix[i+2] = yuvRGB(int(luma[x]), chroma(u, uf, x, cw), chroma(v, vf, x, cw))
		}
	}
	return out
}

// chroma is the value at column x between the nearest sample, its neighbor in the row, and the same two of the far row.
// Beyond the sides there is no neighbor, and only the rows are mixed.
func chroma(near, far []byte, x, cw int) int {
	i := x / 2
	n := i - 1
	if x&1 == 1 {
		n = i + 1
	}
	a, c := int(near[i]), int(far[i])
	if n < 0 || n >= cw {
		return (3*a + c + 2) >> 2
	}
	b, d := int(near[n]), int(far[n])
	return (((a+b+c+d+8)+2*(b+c))>>3 + a) >> 1
}

// yuvRGB is libwebp's VP8YuvToRgb.
func yuvRGB(y, u, v int) (r, g, b byte) {
	m := func(v, k int) int { return v * k >> 8 }
	clip := func(v int) byte { return byte(max(0, min(255, v>>6))) }
	l := m(y, 19077)
	return clip(l + m(v, 26149) - 14234), clip(l - m(u, 6419) - m(v, 13320) + 8708), clip(l + m(u, 33050) - 17685)
}
