package main

import "fmt"

// tile256 writes a tile of 32 columns for 256 bits, that many registers of eight at a time.
//
// With vnni it is for AVX-VNNI, whose VPDPBUSD is that of tile512. Without, sums of pairs of products must fit 16 bits. Of 8-bit
// weights the instruction takes the magnitude, and x with the weight's sign: a pair is 2*128*127 at most. Of 4-bit weights even the
// sum of a block's eight pairs fits, 8*2*15*127.
func (g *generator) tile256(f form, rows, vectors int, vnni bool) {
	g.tileText(f, rows, map[bool]string{true: "AVXVNNI", false: "AVX2"}[vnni])
	sum := func(r, c int) string { return fmt.Sprintf("Y%d", r*vectors+c) }
	total, acc := sum, func(r, c int) string { return fmt.Sprintf("Y%d", rows*vectors+r*vectors+c) }
	wider := f.bits == 4 && (f.subScales || !vnni) // than sums of a block are those of a group
	zero := func(register string) { g.op("VPXOR %[1]s, %[1]s, %[1]s", register) }
	var clear func()
	if wider {
		total, acc = acc, func(r, c int) string { return fmt.Sprintf("Y%d", 2*rows*vectors+r*vectors+c) }
		clear = func() {
			for r := range rows {
				for c := range vectors {
					zero(total(r, c))
				}
			}
		}
	}
	const low, high, x, t = "Y12", "Y13", "Y14", "Y15" // weights, a broadcast, and what is on its way

	g.op("XORQ R12, R12") // bytes of the columns that are done, in a row of words
	g.label("columns")
	for r := range rows {
		for c := range vectors {
			zero(acc(r, c))
		}
	}
	g.op("MOVQ R9, AX")
	g.beginGroup(clear, func() {
		for r := range rows {
			for c := range vectors {
				if vnni && !f.zeros {
					g.op("VPBROADCASTD %s, %s", row(r, offsetAt), sum(r, c))
				} else {
					zero(sum(r, c))
				}
			}
		}
	})
	for j := range f.bits {
		for c := range vectors {
			if rows == 1 && c%2 == 0 { // the weights are waited for
				g.op("PREFETCHT1 %d(BX)", 128*j+32*c+prefetch)
			}
			g.op("VMOVDQU %d(BX), %s", 128*j+32*c, low)
			if f.bits == 8 {
				if vnni {
					for r := range rows {
						g.op("VPBROADCASTD %s, %s", row(r, 4*j), x)
						g.dpbusd256(r*vectors+c, 12, 14)
					}
					continue
				}
				g.op("VPXOR signs<>(SB), %s, %[1]s", low)
				g.op("VPABSB %s, %s", low, high)
				for r := range rows {
					g.op("VPBROADCASTD %s, %s", row(r, 4*j), x)
					g.op("VPSIGNB %s, %s, %s", low, x, t)
					g.op("VPMADDUBSW %s, %s, %[1]s", t, high)
					g.op("VPMADDWD ones<>(SB), %s, %[1]s", t)
					g.op("VPADDD %s, %s, %[2]s", t, sum(r, c))
				}
				continue
			}
			g.op("VPSRLW $4, %s, %s", low, high)
			g.op("VPAND nibbles<>(SB), %s, %[1]s", low)
			g.op("VPAND nibbles<>(SB), %s, %[1]s", high)
			for r := range rows {
				for half, w := range []string{low, high} {
					g.op("VPBROADCASTD %s, %s", row(r, 4*j+16*half), x)
					if vnni {
						g.dpbusd256(r*vectors+c, 12+half, 14)
						continue
					}
					g.op("VPMADDUBSW %s, %s, %s", x, w, t)
					g.op("VPADDW %s, %s, %[2]s", t, sum(r, c))
				}
			}
		}
	}
	if f.subScales {
		for c := range vectors {
			g.op("VPMOVSXBD %d(R8), %s", 8*c, high)
			if !vnni { // in both halves of each word, for sums of pairs
				g.op("VPSLLD $16, %s, %s", high, low)
				g.op("VPBLENDW $0xaa, %s, %s, %[1]s", low, high)
			}
			for r := range rows {
				if vnni {
					g.op("VPMULLD %s, %s, %[2]s", high, sum(r, c))
				} else {
					g.op("VPMADDWD %s, %s, %[2]s", low, sum(r, c))
					g.op("VPBROADCASTD %s, %s", row(r, offsetAt), x)
					g.op("VPMULLD %s, %s, %[2]s", high, x)
					g.op("VPADDD %s, %s, %[2]s", x, total(r, c))
				}
				g.op("VPADDD %s, %s, %[2]s", sum(r, c), total(r, c))
			}
		}
	} else if wider {
		for r := range rows {
			for c := range vectors {
				g.op("VPMADDWD ones<>(SB), %s, %[1]s", sum(r, c))
				g.op("VPADDD %s, %s, %[2]s", sum(r, c), total(r, c))
			}
		}
	}
	g.endGroup(f)
	for c := range vectors {
		if f.zeros {
			g.op("VPMOVZXBD %d(R8), %s", 8*c, high)
		}
		g.op("VCVTPH2PS %d(DX), %s", 16*c, low)
		for r := range rows {
			if f.zeros {
				g.op("VPBROADCASTD %s, %s", lastBlock(r, offsetAt), x)
				g.op("VPMADDWD %s, %s, %[2]s", high, x) // of each pair of halves only the first counts
				g.op("VPADDD %s, %s, %[2]s", x, total(r, c))
			}
			g.op("VBROADCASTSS %s, %s", lastBlock(r, scaleAt), x)
			g.op("VMULPS %s, %s, %s", x, low, t)
			g.op("VCVTDQ2PS %s, %[1]s", total(r, c))
			g.op("VFMADD231PS %s, %s, %s", t, total(r, c), acc(r, c))
		}
	}
	g.nextGroup(f)
	g.op("MOVQ DI, R15")
	for r := range rows {
		for c := range vectors {
			g.op("VMOVUPS %s, %d(R15)", acc(r, c), 32*c)
		}
		if r < rows-1 {
			g.op("ADDQ R13, R15")
		}
	}
	if vectors < 4 {
		g.nextColumns(f, vectors)
	}
	g.end()
}

// nextColumns ends the loop over the columns of a panel, of which R12 counts the bytes in a row of words.
func (g *generator) nextColumns(f form, vectors int) {
	g.op("ADDQ $%d, R12", 32*vectors)
	g.op("CMPQ R12, $128")
	g.op("JEQ done")
	g.op("ADDQ $%d, DI", 32*vectors)
	g.op("MOVQ blocks+0(FP), CX")
	g.op("MOVQ x+8(FP), SI")
	g.op("LEAQ (SI)(R10*4), R14")
	g.op("MOVQ w+24(FP), BX")
	g.op("ADDQ R12, BX")
	g.op("MOVQ R12, R15")
	g.op("SHRQ $1, R15")
	g.op("MOVQ scales+32(FP), DX")
	g.op("ADDQ R15, DX")
	if f.bits == 4 {
		g.op("SHRQ $1, R15")
		g.op("MOVQ beside+40(FP), R8")
		g.op("ADDQ R15, R8")
	}
	g.op("JMP columns")
	g.label("done")
}

// bigTile256 writes a tile of six rows for AVX-VNNI, whose results lie in dst until the last group: all registers but four are for sums,
// of two vectors of columns at a time.
func (g *generator) bigTile256(f form) {
	const rows, vectors = 6, 2
	g.tileText(f, rows, "AVXVNNI")
	sum := func(r, c int) string { return fmt.Sprintf("Y%d", r*vectors+c) }
	const x, t = "Y14", "Y15"
	w := []string{"Y12", "Y13"}
	// each calls f for each vector of dst, with its address.
	each := func(f func(r, c int, at string)) {
		g.op("MOVQ DI, R8")
		for r := range rows {
			for c := range vectors {
				f(r, c, fmt.Sprintf("%d(R8)", 32*c))
			}
			if r < rows-1 {
				g.op("ADDQ R13, R8")
			}
		}
	}
	g.op("XORQ R12, R12")
	g.label("columns")
	g.op("VPXOR %[1]s, %[1]s, %[1]s", t)
	each(func(_, _ int, at string) { g.op("VMOVUPS %s, %s", t, at) })
	g.op("MOVQ R9, AX")
	g.beginGroup(nil, func() {
		for r := range rows {
			for c := range vectors {
				g.op("VPBROADCASTD %s, %s", row(r, offsetAt), sum(r, c))
			}
		}
	})
	for j := range f.bits {
		for c := range vectors {
			g.op("VMOVDQU %d(BX), %s", 128*j+32*c, w[c])
		}
		for r := range rows {
			g.op("VPBROADCASTD %s, %s", row(r, 4*j), x)
			for c := range vectors {
				g.dpbusd256(r*vectors+c, 12+c, 14)
			}
		}
	}
	g.endGroup(f)
	for c := range vectors {
		g.op("VCVTPH2PS %d(DX), %s", 16*c, w[c])
	}
	each(func(r, c int, at string) {
		if c == 0 {
			g.op("VBROADCASTSS %s, %s", lastBlock(r, scaleAt), x)
		}
		g.op("VMULPS %s, %s, %s", x, w[c], t)
		g.op("VCVTDQ2PS %s, %[1]s", sum(r, c))
		g.op("VFMADD213PS %s, %s, %s", at, t, sum(r, c))
		g.op("VMOVUPS %s, %s", sum(r, c), at)
	})
	g.nextGroup(f)
	g.nextColumns(f, vectors)
	g.end()
}

// dpbusd256 is VPDPBUSD Yx, Yw, Yacc in the form of AVX-VNNI, VEX.256.66.0F38.W0 50 /r; Go's assembler knows that of AVX-512 alone. The
// prefix holds upper bits inverted.
func (g *generator) dpbusd256(acc, w, x int) {
	g.op("BYTE $0xc4; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x50; BYTE $0x%02x // VPDPBUSD Y%d, Y%d, Y%d",
		(acc>>3^1)<<7|0x40|(x>>3^1)<<5|2, (w^15)<<3|5, 0xc0|acc&7<<3|x&7, x, w, acc)
}
