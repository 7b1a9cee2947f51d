package main

import (
	"fmt"
	"strings"
)

// Products of many rows with 8-bit weights on Intel's AMX, whose registers are tiles of 16 rows of 64 bytes: TDPBSSD adds to 16 by 16
// sums the products of 64 steps. Its instructions are not known to Go's assembler.

const (
	amxRows    = 16   // of x: what a tile holds
	tileBytes  = 1024 // of a tile: 16 rows of 64 steps, or 16 by 16 sums
	aheadLines = 8    // of memory that are prefetched with each superblock: in as many calls all of a panel is
)

// The tiles: sums of each tile of x and half of the columns, x of each tile, weights of each half.
const (
	tileSums = 0
	tileX    = 4
	tileW    = 6
)

// amx writes the routines of amxKernels.
func amx(g *generator) {
	g.signedAMX()
	g.groupScalesAMX()
	for _, tiles := range []int{1, 2} {
		g.tileAMX(tiles)
	}
}

// tileConfiguration is the memory that LDTILECFG reads: palette 1, bytes of a row from byte 16 on, rows from byte 48 on.
func (g *generator) tileConfiguration() {
	g.define("tiles<>", func() {
		g.asm.WriteString("// Eight tiles of 16 rows of 64 bytes.\n")
		for i, word := range []uint64{1, 0, 0x0040004000400040, 0x0040004000400040, 0, 0, 0x1010101010101010, 0} {
			fmt.Fprintf(&g.asm, "DATA tiles<>+%d(SB)/8, $%#016x\n", 8*i, word)
		}
		g.asm.WriteString("GLOBL tiles<>(SB), RODATA|NOPTR, $64\n\n")
	})
}

// general are the numbers of general registers.
var general = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7, "R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15}

// bytes writes an instruction by its bytes, with its name as a comment.
func (g *generator) bytes(name string, bytes ...int) {
	var parts []string
	for _, b := range bytes {
		parts = append(parts, fmt.Sprintf("BYTE $0x%02x", b))
	}
	g.op("%s // %s", strings.Join(parts, "; "), name)
}

// tileMemory loads (prefix F2) or stores (F3) a tile, whose rows are the index register times 1<<scale apart:
// VEX.128.0F38.W0 4B /r with a SIB byte and a displacement of 32 bits.
func (g *generator) tileMemory(name string, prefix, tile int, base, index string, scale, at int) {
	b, i := general[base], general[index]
	g.bytes(fmt.Sprintf("%s tmm%d, %d(%s)(%s*%d)", name, tile, at, base, index, 1<<scale),
		0xc4, 0x82|(i>>3^1)<<6|(b>>3^1)<<5, 0x78|prefix, 0x4b, 0x84|tile<<3, scale<<6|i&7<<3|b&7, at&255, at>>8&255, at>>16&255, at>>24&255)
}

func (g *generator) tileLoad(tile int, base, index string, scale, at int) {
	g.tileMemory("TILELOADD", 3, tile, base, index, scale, at)
}

func (g *generator) tileStore(tile int, base, index string, at int) {
	g.tileMemory("TILESTORED", 2, tile, base, index, 0, at)
}

// tileZero is VEX.128.F2.0F38.W0 49 11:rrr:000.
func (g *generator) tileZero(tile int) {
	g.bytes(fmt.Sprintf("TILEZERO tmm%d", tile), 0xc4, 0xe2, 0x7b, 0x49, 0xc0|tile<<3)
}

// tileDot adds the products of signed bytes x and w to sums: VEX.128.F2.0F38.W0 5E 11:rrr:bbb.
func (g *generator) tileDot(sums, x, w int) {
	g.bytes(fmt.Sprintf("TDPBSSD tmm%d, tmm%d, tmm%d", sums, x, w), 0xc4, 0xe2, (w^15)<<3|3, 0x5e, 0xc0|sums<<3|x)
}

// tileBegin loads the configuration, by way of AX: VEX.128.NP.0F38.W0 49 /0. tileEnd gives the tiles back: a system need not keep
// them for a thread that runs something else.
func (g *generator) tileBegin() {
	g.op("LEAQ tiles<>(SB), AX")
	g.bytes("LDTILECFG (AX)", 0xc4, 0xe2, 0x78, 0x49, 0x00)
}

func (g *generator) tileEnd() { g.bytes("TILERELEASE", 0xc4, 0xe2, 0x78, 0x49, 0xc0) }

// signedAMX writes the making of signed bytes, which asks for the weights ahead as a tile of few rows does.
func (g *generator) signedAMX() {
	const name = "signedAMX"
	g.text(name+` lays out 8-bit weights for AMX, with their sign: W[k][c] - 128 of tileGeneric in qgemm/tile_generic.go.

	for i := range blocks * 32 * 32 {
		to[i] = w[i] ^ 128
	}
`, name, "(blocks int, w, to *byte)", "CX", "BX", "DI")
	g.op("VMOVDQU64 signs<>(SB), Z31")
	g.label("block")
	for at := 0; at < 1024; at += 64 {
		g.op("PREFETCHT1 %d(BX)", at+prefetch)
		g.op("VPXORD %d(BX), Z31, Z%d", at, at/64%8)
		g.op("VMOVDQU64 Z%d, %d(DI)", at/64%8, at)
	}
	g.op("ADDQ $1024, BX")
	g.op("ADDQ $1024, DI")
	g.op("DECQ CX")
	g.op("JNZ block")
	g.end()
}

// groupScalesAMX writes the widening of scales.
func (g *generator) groupScalesAMX() {
	const name = "groupScalesAMX"
	g.text(name+` widens the scales of weights, as tileGeneric in qgemm/tile_generic.go does:

	for s := range superblocks {
		for c := range 32 {
			to[s][c] = F16ToF32(scales[s/wGroup][c])
		}
	}
`, name, "(superblocks int, scales *uint16, wGroup int, to *float32)", "CX", "DX", "R9", "DI")
	g.label("scales")
	g.op("VCVTPH2PS (DX), Z0")
	g.op("VCVTPH2PS 32(DX), Z1")
	g.op("ADDQ $64, DX")
	g.op("MOVQ R9, AX")
	g.label("superblock")
	g.op("VMOVUPS Z0, (DI)")
	g.op("VMOVUPS Z1, 64(DI)")
	g.op("ADDQ $128, DI")
	g.op("DECQ CX")
	g.op("JZ done")
	g.op("DECQ AX")
	g.op("JNZ superblock")
	g.op("JMP scales")
	g.label("done")
	g.end()
}

// tileAMX writes the product of one or two tiles of x with unpacked weights. Sums go through memory to be scaled, and results lie there
// until the last superblock. While the sums of a superblock are scaled, the x of the next one is asked for. (Asking for its weights gains nothing.)
func (g *generator) tileAMX(tiles int) {
	name := fmt.Sprintf("tile%dAMX", amxRows*tiles)
	g.text(fmt.Sprintf(`%s equals tileGeneric in qgemm/tile_generic.go, of weights of 8 bits without their zero point, for %[2]d rows of x. These lie in
tiles of 16: row r is row r%%16 of tile r/16, which begins xNext bytes after the one before, and its scales xScalesNext bytes after theirs.

	for r := range %[2]d {
		for c := range 32 {
			acc := 0
			for s := range superblocks {
				sum := 0
				for i := range 128 {
					sum += x[s][i/64][r][i%%64] * w[s][i/4][c][i%%4]
				}
				acc = FMA(float32(sum), float32(xScales[s][r]*wScales[s][c]), acc)
			}
			dst[r*dstStride+c] = acc
		}
	}

work has room for %[3]d bytes. %[4]d lines of memory from ahead on are prefetched with each superblock, those of the first one first.
`, name, amxRows*tiles, 4*tiles*tileBytes, aheadLines), name,
		"(superblocks int, x *int8, xNext int, xScales *float32, xScalesNext int, w *int8, wScales *float32, work *byte, dst *float32, dstStride int, ahead *byte)",
		"CX", "SI", "R14", "R8", "R11", "BX", "DX", "R10", "DI", "R13", "R15")
	g.op("SHLQ $2, R13")
	g.op("ADDQ SI, R14")
	g.op("ADDQ R8, R11")
	g.op("MOVQ $64, R9")
	g.tileBegin()
	x, xScales := []string{"SI", "R14"}, []string{"R8", "R11"}
	const sums, results = 0, 1 // of work, in halves
	at := func(of, tile, half, r int) string {
		return fmt.Sprintf("%d(R10)", ((of*tiles+tile)*2+half)*tileBytes+64*r)
	}
	each := func(f func(tile, half, r int)) {
		for tile := range tiles {
			for r := range amxRows {
				for half := range 2 {
					f(tile, half, r)
				}
			}
		}
	}
	g.op("VPXORD Z0, Z0, Z0")
	g.op("MOVQ DI, R12")
	each(func(tile, half, r int) {
		g.op("VMOVUPS Z0, %s", at(results, tile, half, r))
		g.op("PREFETCHT0 %d(R12)", 64*half) // a bias is added at once to what is written
		if half == 1 {
			g.op("ADDQ R13, R12")
		}
	})
	g.label("superblock")
	for n := range 2 * tiles {
		g.tileZero(tileSums + n)
	}
	for k := range 2 {
		for half := range 2 {
			g.tileLoad(tileW+half, "BX", "R9", 1, 2*tileBytes*k+64*half)
		}
		for tile := range tiles {
			g.tileLoad(tileX+tile, x[tile], "R9", 0, tileBytes*k)
			for half := range 2 {
				g.tileDot(tileSums+2*tile+half, tileX+tile, tileW+half)
			}
		}
	}
	for n := range 2 * tiles {
		g.tileStore(tileSums+n, "R10", "R9", tileBytes*n)
	}
	g.op("VMOVUPS (DX), Z0")
	g.op("VMOVUPS 64(DX), Z1")
	n := 0
	each(func(tile, half, r int) {
		scale, sum := fmt.Sprintf("Z%d", 2+n%8), fmt.Sprintf("Z%d", 10+n%8)
		g.op("VMULPS.BCST %d(%s), Z%d, %s", 4*r, xScales[tile], half, scale)
		g.op("VCVTDQ2PS %s, %s", at(sums, tile, half, r), sum)
		g.op("VFMADD213PS %s, %s, %s", at(results, tile, half, r), scale, sum)
		g.op("VMOVUPS %s, %s", sum, at(results, tile, half, r))
		g.op("PREFETCHT0 %d(%s)", 2*tileBytes+64*(2*r+half), x[tile])
		if every := 2 * amxRows * tiles / aheadLines; n%every == 0 {
			g.op("PREFETCHT1 %d(R15)", n/every*64)
		}
		n++
	})
	g.op("ADDQ $%d, R15", 64*aheadLines)
	for tile := range tiles {
		g.op("ADDQ $%d, %s", 2*tileBytes, x[tile])
		g.op("ADDQ $%d, %s", 4*amxRows, xScales[tile])
	}
	g.op("ADDQ $%d, BX", 4*tileBytes)
	g.op("ADDQ $128, DX")
	g.op("DECQ CX")
	g.op("JNZ superblock")
	g.tileEnd()
	each(func(tile, half, r int) {
		g.op("VMOVUPS %s, Z%d", at(results, tile, half, r), 2*(r%8)+half)
		g.op("VMOVUPS Z%d, %d(DI)", 2*(r%8)+half, 64*half)
		if half == 1 {
			g.op("ADDQ R13, DI")
		}
	})
	g.end()
}
