package jpeg

// plane transforms a component's blocks to samples, (height, width), unless that is done, after estimating coefficients
// that were not sent where smooth is not nil.
func (d *decoder) plane(c *component, smooth *smoother) ([]byte, error) {
	if d.direct {
		return c.samples, nil
	}
	c.samples = make([]byte, c.width*c.height)
	if c.quant == nil { // in no scan: mid gray
		for i := range c.samples {
			c.samples[i] = 128
		}
		return c.samples, nil
	}
	for by := 0; 8*by < c.height; by++ {
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
		for bx := 0; 8*bx < c.width; bx++ {
			block := (*[64]int16)(c.coef[64*(by*c.blocksX+bx):])
			if smooth != nil {
				estimated := smooth.block(bx, by)
				block = &estimated
			}
			c.transform(block, bx, by)
		}
	}
	return c.samples, nil
}

// transform puts a block's samples into the plane; the padding of the last blocks falls away.
func (c *component) transform(block *[64]int16, bx, by int) {
	if 8*bx >= c.width || 8*by >= c.height {
		return
	}
	var samples [64]byte
	idct(&samples, block, c.quant)
	w := min(8, c.width-8*bx)
	for y := range min(8, c.height-8*by) {
		copy(c.samples[(8*by+y)*c.width+8*bx:][:w], samples[8*y:8*y+w])
	}
}

// idct is the accurate integer inverse transform (jidctint.c: Loeffler, Ligtenberg and Moschytz, 1989) as the SIMD forms of
// libjpeg-turbo compute it: where damaged data overflow, sums wrap and the first pass saturates at 16 bits.
func idct(out *[64]byte, coef *[64]int16, quant *[64]uint16) {
	var in, ws [64]int16
	rest := int16(0)
	for i := range in {
		in[i] = int16(int32(coef[i]) * int32(quant[i]))
		if i >= 8 {
			rest |= coef[i]
		}
	}
	if rest == 0 { // columns of one value
		for c := range 8 {
			v := in[c] << 2
			for r := range 8 {
				ws[8*r+c] = v
			}
		}
	} else {
		var col [8]int16
		for c := range 8 {
			for r := range 8 {
				col[r] = in[8*r+c]
			}
			v := pass(&col)
			for r := range 8 {
				ws[8*r+c] = int16(max(-32768, min(32767, (v[r]+1<<10)>>11)))
			}
		}
	}
	for r := range 8 {
		v := pass((*[8]int16)(ws[8*r:]))
		for c := range 8 {
			out[8*r+c] = byte(max(-128, min(127, (v[c]+1<<17)>>18)) + 128)
		}
	}
}

// pass is the one-dimensional transform, its result with 13 fraction bits more.
func pass(x *[8]int16) (out [8]int32) {
	i0, i2, i4, i6 := int32(x[0]), int32(x[2]), int32(x[4]), int32(x[6])
	z := (i2 + i6) * 4433
	t2, t3 := z-i6*15137, z+i2*6270
	t0, t1 := int32(int16(i0+i4))<<13, int32(int16(i0-i4))<<13
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2

	i1, i3, i5, i7 := int32(x[1]), int32(x[3]), int32(x[5]), int32(x[7])
	z1, z2 := (i7+i1)*7373, (i5+i3)*20995
	z3, z4 := int32(int16(i7+i3)), int32(int16(i5+i1))
	z5 := (z3 + z4) * 9633
	z3, z4 = z5-z3*16069, z5-z4*3196
	o0, o1 := i7*2446-z1+z3, i5*16819-z2+z4
	o2, o3 := i3*25172-z2+z3, i1*12299-z1+z4
	return [8]int32{e0 + o3, e1 + o2, e2 + o1, e3 + o0, e3 - o0, e2 - o1, e1 - o2, e0 - o3}
}
