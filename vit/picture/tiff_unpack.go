package picture

import "math"

// unpack turns a row of whole pixels into RGB.
func (t *tiffFile) unpack(out, in []byte) {
	n := len(out) / 3
	size := t.samples * t.bits / 8 // of a pixel of whole bytes
	high := 0
	if t.bits == 16 && t.data[0] == 'I' {
		high = 1
	}
	at := func(x, c int) byte { return in[x*size+c*t.bits/8+high] }
	switch {
	case t.photo == paletteSamples && t.samples == 1:
		unpackIndices(out, in, t.bits, &t.table)
	case t.photo == paletteSamples:
		for x := range n {
			copy(out[3*x:3*x+3], t.table[in[2*x]][:])
		}
	case t.photo == cmykSamples:
		for x := range n {
			out[3*x], out[3*x+1], out[3*x+2] = inkRGB(at(x, 0), at(x, 1), at(x, 2), at(x, 3))
		}
	case t.samples >= 3:
		for x := range n {
			out[3*x], out[3*x+1], out[3*x+2] = at(x, 0), at(x, 1), at(x, 2)
		}
		if len(t.extra) > 0 && t.extra[0] == 1 {
			for x := range n {
				straighten(out[3*x:3*x+3], int(at(x, 3)))
			}
		}
	case t.bits <= 8 && t.samples == 1:
		table := grays(t.bits, t.photo == whiteIsZero)
		unpackIndices(out, in, t.bits, &table)
	default:
		for x := range n {
			v := t.gray(in, x)
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	}
}

// grays are the levels of a few bits.
func grays(bits int, inverted bool) (table [256][3]byte) {
	most := 1<<bits - 1
	for v := range most + 1 {
		g := byte(v * 255 / most)
		if inverted {
			g = ^g
		}
		table[v] = [3]byte{g, g, g}
	}
	return table
}

// gray is the x-th gray of more than 8 bits, or beside alpha: cut off to 0..255, as Pillow's convert("RGB") cuts it.
func (t *tiffFile) gray(in []byte, x int) byte {
	cut := func(v int64) byte { return byte(max(0, min(v, 255))) }
	switch {
	case t.samples == 2:
		return in[2*x]
	case t.bits == 12:
		p := in[x/2*3:]
		if x%2 == 0 {
			return cut(int64(p[0])<<4 | int64(p[1])>>4)
		}
		return cut(int64(p[1]&15)<<8 | int64(p[2]))
	case t.bits == 16 && t.format == 2:
		return cut(int64(int16(t.order.Uint16(in[2*x:]))))
	case t.bits == 16:
		return cut(int64(t.order.Uint16(in[2*x:])))
	case t.format == 3:
		f := math.Float32frombits(t.order.Uint32(in[4*x:]))
		if !(f > 0) {
			return 0
		}
		return cut(int64(min(f, 255)))
	}
	return cut(int64(int32(t.order.Uint32(in[4*x:]))))
}

// straighten divides a color by its alpha, as Pillow does for a picture with premultiplied alpha.
func straighten(rgb []byte, alpha int) {
	for c := range rgb {
		switch alpha {
		case 0:
			rgb[c] = 0
		case 255:
		default:
			rgb[c] = byte(min(int(rgb[c])*255/alpha, 255))
		}
	}
}

// inkRGB is Pillow's conversion of inks.
func inkRGB(c, m, y, k byte) (r, g, b byte) {
	n := 255 - int(k)
	ink := func(v byte) byte {
		t := int(v)*n + 128
		return byte(max(0, n-((t>>8)+t)>>8))
	}
	return ink(c), ink(m), ink(y)
}
