package main

import "fmt"

// blockBytes is the size of an q8Block: 32 bytes, the scale and the offset, of which these are the places.
const blockBytes, scaleAt, offsetAt = 40, 32, 36

// superblock is as in package kernels: the blocks of x that share a scale where groups of weights are as long.
const superblock = 4

// form is a form of quantized weights.
type form struct {
	name             string
	bits             int
	zeros, subScales bool
}

var forms = []form{{"Int8", 8, false, false}, {"Int4", 4, false, true}, {"Int4Zeros", 4, true, false}}

// order defines the places of the words of a packed register.
func (g *generator) order() {
	g.define("order<>", func() {
		g.asm.WriteString("// Where the words of a packed register belong.\n")
		for i, pair := range []uint64{0x400000000, 0x500000001, 0x600000002, 0x700000003} {
			fmt.Fprintf(&g.asm, "DATA order<>+%d(SB)/8, $%#x\n", 8*i, pair)
		}
		g.asm.WriteString("GLOBL order<>(SB), RODATA|NOPTR, $32\n\n")
	})
}

// tiles256 writes the tiles of a form for AVX2 and AVX-VNNI.
func (f form) tiles256(g *generator) {
	sizes, vnni := [][2]int{{6, 1}, {4, 1}, {2, 2}, {1, 4}}, [][2]int{{3, 2}, {2, 2}, {1, 4}}
	if f.bits == 4 { // registers are short, and more rows are worth unpacking
		sizes = sizes[1:]
	}
	if f.subScales {
		vnni = vnni[1:]
	}
	for _, size := range sizes {
		g.tile256(f, size[0], size[1], false)
	}
	if f.bits == 8 {
		g.bigTile256(f)
	}
	for _, size := range vnni {
		g.tile256(f, size[0], size[1], true)
	}
}

// tiles512 writes the tiles of a form for AVX-512.
func (f form) tiles512(g *generator) {
	most := 6
	if f.subScales {
		most = 4
	}
	for rows := range most {
		g.tile512(f, rows+1)
	}
}

// tileSignature is that of tileFunc.
const tileSignature = "(blocks int, x *q8Block, xStride int, w *byte, scales *uint16, beside *byte, wGroup int, dst *float32, dstStride int, xGroup int)"

// tileDoc is the name and the doc comment of a tile.
func (f form) tileDoc(rows int, machine string) (name, doc string) {
	name = fmt.Sprintf("tile%d%s%s", rows, f.name, machine)
	begin, block, to, end, generic := "x[r*xStride+s].Offset", "", "sum", "", "tileGeneric"
	switch {
	case f.zeros:
		begin += " * beside[s/wGroup][c]"
	case f.subScales:
		begin, to, generic = "0", "block", "subScalesTileGeneric"
		block, end = "\n\t\t\t\t\tblock := x[r*xStride+b].Offset", "\n\t\t\t\t\tsum += block * int8(beside[b][c])"
	}
	return name, fmt.Sprintf(`%s equals %[6]s in qgemm/tile_generic.go for %[2]d rows of x, with w.q(b, c, i) the weight of block b, column c and step i:

	for r := range %[2]d {
		for c := range 32 {
			acc := 0
			for s := 0; s < blocks; s += xGroup {
				sum := %[3]s
				for b := s; b < min(s+xGroup, blocks); b++ {%[4]s
					for i := range 32 {
						%[5]s += x[r*xStride+b].Q[i] * w.q(b, c, i)
					}%[7]s
				}
				acc = FMA(float32(sum), float32(x[r*xStride+s].Scale*F16ToF32(scales[s/wGroup][c])), acc)
			}
			dst[r*dstStride+c] = acc
		}
	}
`, name, rows, begin, block, to, generic, end)
}

// tileText begins a tile: its doc comment, its arguments, strides in bytes, and R11 and R14 for the addresses of rows.
func (g *generator) tileText(f form, rows int, machine string) {
	name, doc := f.tileDoc(rows, machine)
	g.text(doc, name, tileSignature, "CX", "SI", "R10", "BX", "DX", "R8", "R9", "DI", "R13")
	g.op("IMULQ $%d, R10", blockBytes)
	g.op("SHLQ $2, R13")
	g.op("LEAQ (R10)(R10*2), R11")
	g.op("LEAQ (SI)(R10*4), R14")
}

// row is the address of a place in the present block of a row of x.
func row(r, at int) string {
	return fmt.Sprintf("%d(%s)%s", at, []string{"SI", "R14"}[r/4], []string{"", "(R10*1)", "(R10*2)", "(R11*1)"}[r%4])
}

// beginGroup begins a group and the loop over its blocks, of which R15 counts those that are left. begin gives sums what they begin with:
// those of a group, or with clear, which clears them, those of each block.
func (g *generator) beginGroup(clear, begin func()) {
	g.label("group")
	if clear != nil {
		clear()
	} else {
		begin()
	}
	g.op("MOVQ xGroup+72(FP), R15")
	g.op("CMPQ CX, R15")
	g.op("CMOVQLT CX, R15")
	g.label("block")
	if clear != nil {
		begin()
	}
}

// endGroup moves to the next block of x and of weights, and ends the loop over those of a group.
func (g *generator) endGroup(f form) {
	g.op("ADDQ $%d, SI", blockBytes)
	g.op("ADDQ $%d, R14", blockBytes)
	g.op("ADDQ $%d, BX", 128*f.bits)
	if f.subScales {
		g.op("ADDQ $32, R8")
	}
	g.op("DECQ CX")
	g.op("DECQ R15")
	g.op("JNZ block")
}

// lastBlock is the address of a place in the last block of a group, which is behind, of a row of x.
func lastBlock(r, at int) string { return row(r, at-blockBytes) }

// nextGroup moves every per blocks to the next scales and zeros; AX counts these.
func (g *generator) nextGroup(f form) {
	g.op("SUBQ xGroup+72(FP), AX")
	g.op("JGT same")
	g.op("MOVQ R9, AX")
	g.op("ADDQ $64, DX")
	if f.zeros {
		g.op("ADDQ $32, R8")
	}
	g.label("same")
	g.op("TESTQ CX, CX")
	g.op("JNZ group")
}

// tile512 writes a tile of 32 columns, two registers of sums and two of results for each row. It needs AVX512_VNNI, whose
// VPDPBUSD adds four products of bytes, unsigned weights by signed activations, to each sum.
func (g *generator) tile512(f form, rows int) {
	g.tileText(f, rows, "AVX512")
	sum := func(r, c int) string { return fmt.Sprintf("Z%d", 2*r+c) }
	total, acc := sum, func(r, c int) string { return fmt.Sprintf("Z%d", 12+2*r+c) }
	var clear func()
	if f.subScales {
		total = func(r, c int) string { return fmt.Sprintf("Z%d", 8+2*r+c) }
		acc = func(r, c int) string { return fmt.Sprintf("Z%d", 16+2*r+c) }
		clear = func() {
			for r := range rows {
				for c := range 2 {
					g.op("VPXORD %[1]s, %[1]s, %[1]s", total(r, c))
				}
			}
		}
	}
	for r := range rows {
		for c := range 2 {
			g.op("VPXORD %[1]s, %[1]s, %[1]s", acc(r, c))
		}
	}
	if f.bits == 4 {
		g.op("VMOVDQU64 nibbles<>(SB), Z31")
	}
	g.op("MOVQ DI, R12")
	for r := range rows { // a bias is added at once to what is written
		g.op("PREFETCHT0 (R12)")
		g.op("PREFETCHT0 64(R12)")
		if r < rows-1 {
			g.op("ADDQ R13, R12")
		}
	}
	g.op("MOVQ R9, AX")
	g.beginGroup(clear, func() {
		for r := range rows {
			if f.zeros {
				g.op("VPXORD %[1]s, %[1]s, %[1]s", sum(r, 0))
			} else {
				g.op("VPBROADCASTD %s, %s", row(r, offsetAt), sum(r, 0))
			}
			g.op("VMOVDQA64 %s, %s", sum(r, 0), sum(r, 1))
		}
	})
	// products adds those of the four steps at an offset of x and the weights in registers w and w+1.
	products := func(at, w int) {
		for r := range rows {
			x := fmt.Sprintf("Z%d", 28+r%2)
			g.op("VPBROADCASTD %s, %s", row(r, at), x)
			g.op("VPDPBUSD %s, Z%d, %s", x, w, sum(r, 0))
			g.op("VPDPBUSD %s, Z%d, %s", x, w+1, sum(r, 1))
		}
	}
	for j := range f.bits {
		if rows <= 2 { // the weights are waited for
			g.op("PREFETCHT1 %d(BX)", 128*j+prefetch)
			g.op("PREFETCHT1 %d(BX)", 128*j+prefetch+64)
		}
		g.op("VMOVDQU64 %d(BX), Z24", 128*j)
		g.op("VMOVDQU64 %d(BX), Z25", 128*j+64)
		if f.bits == 4 {
			g.op("VPSRLW $4, Z24, Z26")
			g.op("VPSRLW $4, Z25, Z27")
			for w := 24; w < 28; w++ {
				g.op("VPANDD Z31, Z%d, Z%[1]d", w)
			}
			products(16+4*j, 26)
		}
		products(4*j, 24)
	}
	if f.subScales {
		g.op("VPMOVSXBD (R8), Z26")
		g.op("VPMOVSXBD 16(R8), Z27")
		for r := range rows {
			for c := range 2 {
				g.op("VPMULLD Z%d, %s, %[2]s", 26+c, sum(r, c))
				g.op("VPADDD %s, %s, %[2]s", sum(r, c), total(r, c))
			}
		}
	}
	g.endGroup(f)
	if f.zeros {
		g.op("VPMOVZXBD (R8), Z26")
		g.op("VPMOVZXBD 16(R8), Z27")
		for r := range rows { // of each pair of halves only the first counts, since the zero point is below 2^16
			g.op("VPBROADCASTD %s, Z28", lastBlock(r, offsetAt))
			g.op("VPDPWSSD Z28, Z26, %s", sum(r, 0))
			g.op("VPDPWSSD Z28, Z27, %s", sum(r, 1))
		}
	}
	g.op("VCVTPH2PS (DX), Z24")
	g.op("VCVTPH2PS 32(DX), Z25")
	for r := range rows {
		g.op("VBROADCASTSS %s, Z28", lastBlock(r, scaleAt))
		for c := range 2 {
			scale := fmt.Sprintf("Z%d", 29+c)
			g.op("VMULPS Z28, Z%d, %s", 24+c, scale)
			g.op("VCVTDQ2PS %s, %[1]s", total(r, c))
			g.op("VFMADD231PS %s, %s, %s", scale, total(r, c), acc(r, c))
		}
	}
	g.nextGroup(f)
	for r := range rows {
		for c := range 2 {
			g.op("VMOVUPS %s, %d(DI)", acc(r, c), 64*c)
		}
		if r < rows-1 {
			g.op("ADDQ R13, DI")
		}
	}
	g.end()
}

// prefetch is how far before their use weights are asked for, in bytes, where a tile has few rows: what memory delivers to a core
// between asking and having. They are asked for into the second-level cache: that leaves the processor's own looking ahead free to
// run further, into the first it would not.
const prefetch = 4096
