package main

// The quantizing of rows of x. Registers: CX counts groups, DI is an q8Block, SI x, R9 the zero point, negated; 4 holds what is to be joined
// to one number of a group, X9 its scale, X8 what its numbers are multiplied by.

// join makes one number of the eight of Y4, in all lanes of its lower half, by way of 5.
func (g *generator) join(op string) {
	g.op("VEXTRACTI128 $1, Y4, X5")
	for _, shuffle := range []string{"$0x4e", "$0xb1"} {
		g.op("%s X5, X4, X4", op)
		g.op("VPSHUFD %s, X4, X5", shuffle)
	}
	g.op("%s X5, X4, X4", op)
}

// groupScale makes X9 and X8 of the largest magnitude, in X4. Magnitudes compare as integers do, NaN above all.
func (g *generator) groupScale() {
	g.op("VMOVD X4, AX")
	g.op("CMPL AX, $0x0d800000") // tinyX
	g.op("JCS nothing")
	g.op("CMPL AX, $0x7f800000")
	g.op("JCC bad")
	g.op("VMOVSS most<>(SB), X8")
	g.op("VDIVSS X8, X4, X9")
	g.op("VDIVSS X4, X8, X8")
}

// offset makes the offset, in AX, of the sums in Y4.
func (g *generator) offset() {
	g.join("VPADDD")
	g.op("VMOVD X4, AX")
	g.op("IMULL R9, AX")
}

// endQuantize ends the loop over groups.
func (g *generator) endQuantize(blocks int) {
	g.label("next")
	g.op("ADDQ $%d, SI", 128*blocks)
	g.op("ADDQ $%d, DI", blockBytes*blocks)
	g.op("DECQ CX")
	g.op("JNZ group")
	g.op("VZEROUPPER")
	g.op("RET")
	g.label("bad")
	g.op("MOVL $0x7fc00000, AX")
	g.op("JMP zeros")
	g.label("nothing")
	g.op("XORL AX, AX")
	g.label("zeros")
	g.op("VPXOR Y0, Y0, Y0")
	for b := range blocks {
		g.op("VMOVDQU Y0, %d(DI)", blockBytes*b)
		g.op("MOVL AX, %d(DI)", blockBytes*b+scaleAt)
		g.op("MOVL $0, %d(DI)", blockBytes*b+offsetAt)
	}
	g.op("JMP next")
	g.asm.WriteString("\n")
}

// quantizeX writes the quantizing of a row of x, in whole groups of so many blocks, each with the offset of the group or its own.
func (g *generator) quantizeX(name string, blocks int, own bool) {
	g.text(quantizeDoc(name, blocks, own), name, quantizeSignature, "CX", "DI", "SI", "R9")
	g.op("VMOVDQU magnitude<>(SB), Y15")
	g.op("VMOVDQU order<>(SB), Y14")
	g.op("NEGL R9")
	g.label("group")
	for i := range 4 * blocks { // magnitudes compare as integers do, NaN above all
		g.op("VPAND %d(SI), Y15, Y%d", 32*i, i%4)
		if i >= 4 {
			g.op("VPMAXSD Y%d, Y%d, Y%[2]d", i%4, 4+i%4)
		} else {
			g.op("VMOVDQA Y%d, Y%d", i, 4+i)
		}
	}
	g.op("VPMAXSD Y5, Y4, Y4")
	g.op("VPMAXSD Y7, Y6, Y6")
	g.op("VPMAXSD Y6, Y4, Y4")
	g.join("VPMAXSD")
	g.groupScale()
	g.op("VBROADCASTSS X8, Y8")
	for b := range blocks {
		for i := range 4 {
			g.op("VMULPS %d(SI), Y8, Y%d", 128*b+32*i, i)
			g.op("VCVTPS2DQ Y%d, Y%[1]d", i) // to the nearest, ties to even
		}
		g.op("VPADDD Y0, Y1, Y5")
		g.op("VPADDD Y2, Y3, Y6")
		if b == 0 || own {
			g.op("VPADDD Y5, Y6, Y4")
		} else {
			g.op("VPADDD Y5, Y4, Y4")
			g.op("VPADDD Y6, Y4, Y4")
		}
		g.op("VPACKSSDW Y1, Y0, Y0")
		g.op("VPACKSSDW Y3, Y2, Y2")
		g.op("VPACKSSWB Y2, Y0, Y0")
		g.op("VPERMD Y0, Y14, Y0")
		g.op("VMOVDQU Y0, %d(DI)", blockBytes*b)
		if own {
			g.offset()
			g.op("MOVL AX, %d(DI)", blockBytes*b+offsetAt)
		}
	}
	if !own {
		g.offset()
	}
	for b := range blocks {
		g.op("VMOVSS X9, %d(DI)", blockBytes*b+scaleAt)
		if !own {
			g.op("MOVL AX, %d(DI)", blockBytes*b+offsetAt)
		}
	}
	g.endQuantize(blocks)
}
