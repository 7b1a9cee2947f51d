package main

// quantizeNEON writes the quantizing of a row, in whole groups of so many blocks, each with the offset of the group or its own: V0 to V7
// hold a block.
func (g *generator) quantizeNEON(name string, blocks int, own bool) {
	g.textNEON(quantizeDoc(name, blocks, own), name, quantizeSignature)
	g.op("MOVD $0x7fffffff, R4")
	g.op("VDUP R4, V31.S4")
	g.op("MOVD $0x42fe0000, R5 // 127")
	g.op("FMOVS R5, F30")
	g.op("MOVD $0x0d800000, R6 // tinyX")
	g.op("MOVD $0x7f800000, R7 // infinity")
	load := func(register string) {
		g.op("VLD1.P 64(%s), [V0.S4, V1.S4, V2.S4, V3.S4]", register)
		g.op("VLD1.P 64(%s), [V4.S4, V5.S4, V6.S4, V7.S4]", register)
	}
	offset := func() {
		g.op("VADDV V19.S4, V19")
		g.op("VMOV V19.S[0], R9")
		g.op("MULW R3, R9, R9")
		g.op("NEGW R9, R9")
	}
	g.label("group")
	g.op("MOVD R2, R10")
	for b := range blocks {
		load("R10")
		for n := range 8 {
			if b+n == 0 {
				g.op("VAND V31.B16, V0.B16, V16.B16")
				continue
			}
			g.op("VAND V31.B16, V%d.B16, V17.B16", n)
			g.word("UMAX", 0x6ea06400, 16, 16, 17)
		}
	}
	g.word("UMAXV", 0x6eb0a800, 16, 16, 0)
	g.op("VMOV V16.S[0], R8") // the largest magnitude's bits
	g.op("CMPW R6, R8")
	g.op("BLO nothing")
	g.op("CMPW R7, R8")
	g.op("BHS broken")
	g.op("FDIVS F30, F16, F17") // the scale
	g.op("FDIVS F16, F30, F18")
	g.op("VDUP V18.S[0], V18.S4")
	for b := range blocks {
		load("R2")
		for n := range 8 {
			g.word("FMUL", 0x6e20dc00, n, n, 18)
			g.word("FCVTNS", 0x4e21a800, n, n, 0) // to the nearest, ties to even
		}
		for n := range 8 {
			if n == 0 && (b == 0 || own) {
				g.op("VORR V0.B16, V0.B16, V19.B16")
			} else {
				g.op("VADD V%d.S4, V19.S4, V19.S4", n)
			}
		}
		for half := range 2 {
			to := 20 + half
			for quarter := range 2 { // 32 bits to 16
				a := 4*half + 2*quarter
				g.word("XTN", 0x0e612800, 22+quarter, a, 0)
				g.word("XTN2", 0x4e612800, 22+quarter, a+1, 0)
			}
			g.word("XTN", 0x0e212800, to, 22, 0)
			g.word("XTN2", 0x4e212800, to, 23, 0)
		}
		g.op("FMOVQ F20, %d(R1)", blockBytes*b)
		g.op("FMOVQ F21, %d(R1)", blockBytes*b+16)
		if own {
			offset()
			g.op("MOVW R9, %d(R1)", blockBytes*b+offsetAt)
			g.op("FMOVS F17, %d(R1)", blockBytes*b+scaleAt)
		}
	}
	if own {
		g.op("JMP next")
	} else {
		offset()
		g.op("JMP store")
	}
	g.label("broken")
	g.op("MOVD $0x7fc00000, R8")
	g.op("FMOVS R8, F17")
	g.op("JMP empty")
	g.label("nothing")
	g.op("FMOVS ZR, F17")
	g.label("empty")
	g.op("VEOR V20.B16, V20.B16, V20.B16")
	for b := range blocks {
		g.op("FMOVQ F20, %d(R1)", blockBytes*b)
		g.op("FMOVQ F20, %d(R1)", blockBytes*b+16)
	}
	g.op("MOVD ZR, R9")
	g.op("MOVD R10, R2")
	g.label("store")
	for b := range blocks {
		g.op("FMOVS F17, %d(R1)", blockBytes*b+scaleAt)
		g.op("MOVW R9, %d(R1)", blockBytes*b+offsetAt)
	}
	if own {
		g.label("next")
	}
	g.op("ADD $%d, R1, R1", blockBytes*blocks)
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, group")
	g.op("RET")
	g.asm.WriteString("\n")
}

// roundEmulatedNEON writes the rounding of a row of x for emulation by FMA.
func (g *generator) roundEmulatedNEON() {
	const name = "roundEmulatedNEON"
	g.textNEON(roundEmulatedDoc(name, 4), name, roundSignature)
	for i, c := range []uint32{0x7fff, 1, 0x400000, 0xffff0000, 0x7fffffff, 0x26ffffff} {
		g.op("MOVD $%#x, R3", c)
		g.op("VDUP R3, V%d.S4", 16+i)
	}
	const half, one, quiet, high, magnitude, below = 16, 17, 18, 19, 20, 21 // below is the number before 2^-49
	g.label("four")
	g.op("VLD1.P 16(R2), [V0.S4]")
	g.op("VUSHR $16, V0.S4, V1.S4")
	g.op("VAND V%d.B16, V1.B16, V1.B16", one)
	g.op("VADD V%d.S4, V0.S4, V2.S4", half)
	g.op("VADD V1.S4, V2.S4, V2.S4")
	g.op("VORR V%d.B16, V0.B16, V3.B16", quiet)
	g.word("FCMEQ", 0x4e20e400, 4, 0, 0) // not of a NaN
	g.word("BSL", 0x6e601c00, 4, 2, 3)
	g.op("VAND V%d.B16, V4.B16, V4.B16", high)
	g.op("VAND V%d.B16, V0.B16, V5.B16", magnitude)
	g.word("CMGT", 0x4ea03400, 5, 5, below)
	g.op("VAND V5.B16, V4.B16, V4.B16")
	g.op("VREV64 V4.S4, V4.S4")
	g.op("VST1.P [V4.S4], 16(R1)")
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, four")
	g.op("RET")
	g.asm.WriteString("\n")
}
