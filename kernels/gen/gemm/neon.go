package main

// tilesNEON writes the tiles of a form for arm64, in one of two forms of the same sums: by SDOT, of processors from ARMv8.2 on that have it,
// or by widening products of any.
func (f form) tilesNEON(g *generator, dot bool) {
	for _, rows := range []int{1, 2, 4} {
		if f.subScales && rows > 2 { // more are worth unpacking
			continue
		}
		g.tileNEON(f, rows, dot)
	}
}

// word writes an instruction that Go's assembler does not know: its opcode, with the registers d, n and m in their places.
func (g *generator) word(name string, opcode, d, n, m int) {
	g.op("WORD $%#08x // %s V%d, V%d, V%d", opcode|m<<16|n<<5|d, name, d, n, m)
}

// tileNEON writes a tile of 32 columns, some at a time, so that there are eight registers of sums, of four columns each,
// V0 to V7, and as many of results, V8 to V15; with sub-scales four of sums of a block, four of a group, and four of results. V16 on hold a block of each row of x. Weights have their sign: those of 8 bits
// by turning their top bit.
func (g *generator) tileNEON(f form, rows int, dot bool) {
	name := map[bool]string{true: "SDOT", false: "NEON"}[dot]
	vectors := 8 / rows
	if f.subScales {
		vectors = 4 / rows
	}
	sum := func(r, c int) int { return r*vectors + c }
	total, acc := sum, func(r, c int) int { return 8 + r*vectors + c }
	if f.subScales {
		total = func(r, c int) int { return 4 + r*vectors + c }
	}
	const low, high, x, constant = 24, 25, 26, 30 // 27 to 29 are for what is on its way

	routine, doc := f.tileDoc(rows, name)
	g.textNEON(doc, routine, tileSignature)
	g.op("MOVD $%d, R17", blockBytes)
	g.op("MUL R17, R2, R2") // bytes between rows of x
	g.op("LSL $2, R8, R8")  // and of dst
	if f.bits == 8 {
		g.op("VMOVI $128, V%d.B16", constant)
	} else {
		g.op("VMOVI $15, V%d.B16", constant)
	}
	g.op("MOVD $0, R10") // columns that are done
	g.label("columns")
	for r := range rows {
		if r == 0 {
			g.op("MOVD R1, R20")
		} else {
			g.op("ADD R2, R%d, R%d", 19+r, 20+r)
		}
	}
	g.op("ADD R10<<2, R3, R11")
	g.op("ADD R10<<1, R4, R12")
	if f.bits == 4 {
		g.op("ADD R10, R5, R13")
	}
	for n := 8; n < 16; n++ {
		g.op("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", n)
	}
	g.op("MOVD R6, R15")
	g.op("MOVD R0, R16")

	g.label("group")
	for r := range rows {
		for c := range vectors {
			g.op("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", total(r, c))
		}
	}
	g.op("CMP R9, R16")
	g.op("CSEL LT, R16, R9, R14") // blocks of the group
	g.label("block")
	for r := range rows {
		g.op("FMOVQ (R%d), F%d", 20+r, 16+2*r)
		g.op("FMOVQ 16(R%d), F%d", 20+r, 17+2*r)
		if f.subScales {
			g.op("ADD $%d, R%d, R17", offsetAt, 20+r)
			for c := range vectors {
				g.op("VLD1R (R17), [V%d.S4]", sum(r, c))
			}
		}
	}
	// products adds those of the weights in register w and the four steps at a place of a block of x.
	products := func(c, w, at int) {
		for r := range rows {
			register, lane := 16+2*r+at/16, at%16/4
			if dot { // SDOT by element: the lane is spread over two bits
				g.word("SDOT", 0x4f80e000|lane&1<<21|lane>>1<<11, sum(r, c), w, register)
				continue
			}
			g.op("VDUP V%d.S[%d], V27.S4", register, lane)
			g.word("SMULL", 0x0e20c000, 28, w, 27)
			g.word("SMULL2", 0x4e20c000, 29, w, 27)
			g.word("SADDLP", 0x4e602800, 28, 28, 0)
			g.word("SADDLP", 0x4e602800, 29, 29, 0)
			g.word("ADDP", 0x4ea0bc00, 28, 28, 29)
			g.op("VADD V28.S4, V%d.S4, V%[1]d.S4", sum(r, c))
		}
	}
	for j := range f.bits {
		for c := range vectors {
			g.op("FMOVQ %d(R11), F%d", 128*j+16*c, low)
			if f.bits == 8 {
				g.op("VEOR V%d.B16, V%d.B16, V%[2]d.B16", constant, low)
				products(c, low, 4*j)
				continue
			}
			g.op("VUSHR $4, V%d.B16, V%d.B16", low, high)
			g.op("VAND V%d.B16, V%d.B16, V%[2]d.B16", constant, low)
			products(c, low, 4*j)
			products(c, high, 16+4*j)
		}
	}
	if f.subScales {
		for c := range vectors {
			g.op("FMOVS %d(R13), F%d", 4*c, high)
			g.word("SSHLL", 0x0f08a400, high, high, 0) // to 16 bits
			g.word("SSHLL", 0x0f10a400, high, high, 0) // to 32 bits
			for r := range rows {
				g.word("MLA", 0x4ea09400, total(r, c), high, sum(r, c))
			}
		}
		g.op("ADD $32, R13, R13")
	}
	for r := range rows {
		g.op("ADD $%d, R%d, R%[2]d", blockBytes, 20+r)
	}
	g.op("ADD $%d, R11, R11", 128*f.bits)
	g.op("SUB $1, R16, R16")
	g.op("SUB $1, R14, R14")
	g.op("CBNZ R14, block")
	for c := range vectors { // what is of the group is in each of its blocks, of which the last is behind
		g.op("FMOVD %d(R12), F%d", 8*c, low)
		g.word("FCVTL", 0x0e217800, low, low, 0)
		if f.zeros {
			g.op("FMOVS %d(R13), F%d", 4*c, high)
			g.op("VUSHLL $0, V%d.B8, V%[1]d.H8", high)
			g.op("VUSHLL $0, V%d.H4, V%[1]d.S4", high)
		}
		for r := range rows {
			if f.zeros {
				g.op("SUB $%d, R%d, R17", blockBytes-offsetAt, 20+r)
				g.op("VLD1R (R17), [V%d.S4]", x)
				g.word("MLA", 0x4ea09400, total(r, c), high, x)
			}
			g.op("SUB $%d, R%d, R17", blockBytes-scaleAt, 20+r)
			g.op("VLD1R (R17), [V%d.S4]", x)
			g.word("FMUL", 0x6e20dc00, x, x, low)
			g.word("SCVTF", 0x4e21d800, total(r, c), total(r, c), 0)
			g.op("VFMLA V%d.S4, V%d.S4, V%d.S4", x, total(r, c), acc(r, c))
		}
	}
	g.op("SUBS R9, R15, R15")
	g.op("BGT same")
	g.op("MOVD R6, R15")
	g.op("ADD $64, R12, R12")
	if f.zeros {
		g.op("ADD $32, R13, R13")
	}
	g.label("same")
	g.op("CBNZ R16, group")

	g.op("ADD R10<<2, R7, R17")
	for r := range rows {
		for c := range vectors {
			g.op("FMOVQ F%d, %d(R17)", acc(r, c), 16*c)
		}
		if r < rows-1 {
			g.op("ADD R8, R17, R17")
		}
	}
	if vectors < 8 {
		g.op("ADD $%d, R10, R10", 4*vectors)
		g.op("CMP $32, R10")
		g.op("BNE columns")
	}
	g.op("RET")
	g.asm.WriteString("\n")
}

// unpackNEON writes the unpacking of 4-bit weights with sub-scales or with zero points.
func (g *generator) unpackNEON(subScales bool) {
	name, value := "unpackNEON", withSubScale
	if !subScales {
		name, value = "unpackZerosNEON", withZero
	}
	g.textNEON(unpackDoc(name, value), name, unpackSignature)
	const eight, bias, nibbles = 28, 29, 30
	g.op("VMOVI $8, V%d.B16", eight)
	g.op("VDUP R5, V%d.B16", bias)
	g.op("VMOVI $15, V%d.B16", nibbles)
	g.op("MOVD R3, R6")
	g.label("block")
	for half := range 2 { // sub-scales or zero points of 16 columns, each four times: V16 on of four columns
		g.op("FMOVQ %d(R2), F24", 16*half)
		for i, zip := range []string{"VZIP1", "VZIP2"} {
			g.op("%s V24.B16, V24.B16, V25.B16", zip)
			g.op("VZIP1 V25.H8, V25.H8, V%d.H8", 16+4*half+2*i)
			g.op("VZIP2 V25.H8, V25.H8, V%d.H8", 16+4*half+2*i+1)
		}
	}
	for j := range 4 {
		for c := range 8 {
			g.op("FMOVQ %d(R1), F0", 128*j+16*c)
			g.op("VUSHR $4, V0.B16, V1.B16")
			g.op("VAND V%d.B16, V0.B16, V0.B16", nibbles)
			for half := range 2 {
				if subScales {
					g.op("VSUB V%d.B16, V%d.B16, V%[2]d.B16", eight, half)
					g.word("MUL", 0x4e209c00, half, half, 16+c)
				} else {
					g.op("VSUB V%d.B16, V%d.B16, V%[2]d.B16", 16+c, half)
				}
				g.op("VADD V%d.B16, V%d.B16, V%[2]d.B16", bias, half)
				g.op("FMOVQ F%d, %d(R4)", half, 128*(j+4*half)+16*c)
			}
		}
	}
	if subScales {
		g.op("ADD $32, R2, R2")
	} else {
		g.op("SUB $1, R6, R6")
		g.op("CBNZ R6, same")
		g.op("MOVD R3, R6")
		g.op("ADD $32, R2, R2")
		g.label("same")
	}
	g.op("ADD $512, R1, R1")
	g.op("ADD $1024, R4, R4")
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, block")
	g.op("RET")
	g.asm.WriteString("\n")
}
