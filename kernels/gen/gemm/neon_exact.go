package main

import "fmt"

// Registers of all routines: V0 to V7 hold weights on their way, V8 and V9 the two steps of a pair of bfloat16, and these what
// takes pairs apart.
const (
	neonNormal = 14 // the exponent bits of which a weight that counts has one
	neonHigh   = 15 // upper halves
)

// textNEON begins a routine: its declaration, and loads of its arguments, eight bytes each, into R0, R1 and so on.
func (g *generator) textNEON(doc, name, signature string) {
	g.declare(doc, name, signature)
	for i, name := range parameters(signature) {
		g.op("MOVD %s+%d(FP), R%d", name, 8*i, i)
	}
}

// masksNEON sets the masks that k needs, by way of R16.
func (g *generator) masksNEON(k kind) {
	if k == emulated || k.name == "BF16" {
		g.op("MOVD $0xffff0000, R16")
		g.op("VDUP R16, V%d.S4", neonHigh)
	}
	if k == emulated {
		g.op("MOVD $0x60006000, R16")
		g.op("VDUP R16, V%d.S4", neonNormal)
	}
}

// scaleNEON turns elements of k in a register into bytes.
func (g *generator) scaleNEON(k kind, register int) {
	g.op("LSL $%d, R%d, R%[2]d", map[int]int{2: 1, 4: 2}[k.bytes], register)
}

// columnsNEON loads a chunk of each of four rows, to which registers point, transposes it, and calls f for each step of k that it
// holds, with the register of its weights.
func (g *generator) columnsNEON(k kind, rows [4]int, f func(step, register int)) {
	for i, r := range rows {
		if k.name == "F16" {
			g.op("FMOVD (R%d), F%d", r, i)
			g.word("FCVTL", 0x0e217800, i, i, 0)
		} else {
			g.op("FMOVQ (R%d), F%d", r, i)
		}
	}
	zip := func(n, a, b, d int) { g.op("VZIP%d V%d.S4, V%d.S4, V%d.S4", n, b, a, d) }
	zip(1, 0, 2, 4)
	zip(2, 0, 2, 5)
	zip(1, 1, 3, 6)
	zip(2, 1, 3, 7)
	zip(1, 4, 6, 0)
	zip(2, 4, 6, 1)
	zip(1, 5, 7, 2)
	zip(2, 5, 7, 3)
	const low, high = 8, 9
	for word := range 4 {
		if k == emulated {
			g.word("CMTST", 0x4e608c00, low, word, neonNormal)
			g.op("VAND V%d.B16, V%d.B16, V%[2]d.B16", low, word)
		}
		if k == emulated || k.name == "BF16" {
			g.op("VSHL $16, V%d.S4, V%d.S4", word, low)
			g.op("VAND V%d.B16, V%d.B16, V%d.B16", neonHigh, word, high)
		}
		k.eachStep(word, word, low, high, f)
	}
}

// packNEON writes the packing of a panel, four rows of the weights side by side.
func (g *generator) packNEON(k kind) {
	name := "pack" + k.name + "NEON"
	g.textNEON(k.packDoc(name, 4), name, packSignature)
	g.masksNEON(k)
	g.op("LSL $2, R2, R2")
	g.scaleNEON(k, 4)
	rows := [4]int{3, 5, 6, 7}
	for i := range 3 {
		g.op("ADD R4, R%d, R%d", rows[i], rows[i+1])
	}
	g.label("chunk")
	g.columnsNEON(k, rows, func(_, register int) {
		g.op("FMOVQ F%d, (R1)", register)
		g.op("ADD R2, R1, R1")
	})
	for _, r := range rows {
		g.op("ADD $%d, R%d, R%[2]d", k.chunk(), r)
	}
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, chunk")
	g.op("RET")
	g.asm.WriteString("\n")
}

// gemvRowsNEON writes the routines for some kinds of weights and all numbers of rows.
func (g *generator) gemvRowsNEON(kinds ...kind) {
	for _, k := range kinds {
		for _, rows := range []int{1, 2, 4} {
			g.gemvNEON(k, rows)
		}
	}
}

// gemvNEON writes the product of a few rows of x with some rows of weights where they lie, transposed in registers four rows at a time:
// 16 rows of weights, or 8 for four rows of x, whose sums are then eight registers too.
func (g *generator) gemvNEON(k kind, rows int) {
	groups := min(4, 8/rows)
	name := fmt.Sprintf("gemvRows%d%sNEON", rows, k.name)
	g.textNEON(k.gemvRowsDoc(name, rows, 4*groups), name, gemvRowsSignature)
	g.masksNEON(k)
	g.op("LSL $2, R2, R2")
	g.scaleNEON(k, 4)
	g.op("LSL $2, R6, R6")
	g.op("LSL $%d, R0, R0", map[int]int{16: 2, 8: 3}[k.chunk()]) // chunks

	x := func(r int) int { return []int{1, 8, 9, 10}[r] }
	for r := 1; r < rows; r++ {
		g.op("ADD R2, R%d, R%d", x(r-1), x(r))
	}
	first := func(c int) int { return []int{3, 11, 12, 13}[c] } // rows 0, 4, 8 and 12 of the weights
	for c := 1; c < groups; c++ {
		g.op("ADD R4<<2, R%d, R%d", first(c-1), first(c))
	}
	acc := func(r, c int) int { return 16 + r*groups + c }
	each := func(f func(register, offset int)) { // the sums, by way of R14
		g.op("MOVD R5, R14")
		for r := range rows {
			for c := range groups {
				f(acc(r, c), 16*c)
			}
			if r < rows-1 {
				g.op("ADD R6, R14, R14")
			}
		}
	}
	for n := range rows * groups {
		g.op("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", 16+n)
	}
	g.op("CBZ R7, chunk")
	each(func(register, offset int) { g.op("FMOVQ %d(R14), F%d", offset, register) })

	g.label("chunk")
	steps := k.elements()
	for r := range rows {
		for i := range steps / 4 {
			g.op("FMOVQ %d(R%d), F%d", 16*i, x(r), 24+2*r+i)
		}
		g.op("ADD $%d, R%d, R%[2]d", 4*steps, x(r))
	}
	for c := range groups {
		g.op("ADD R4, R%d, R14", first(c))
		g.op("ADD R4, R14, R15")
		g.op("ADD R4, R15, R16")
		g.columnsNEON(k, [4]int{first(c), 14, 15, 16}, func(step, register int) {
			for r := range rows { // FMLA by element: the lane is spread over two bits
				lane := step % 4
				g.word("FMLA", 0x4f801000|lane&1<<21|lane>>1<<11, acc(r, c), register, 24+2*r+step/4)
			}
		})
		g.op("ADD $%d, R%d, R%[2]d", k.chunk(), first(c))
	}
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, chunk")
	each(func(register, offset int) { g.op("FMOVQ F%d, %d(R14)", register, offset) })
	g.op("RET")
	g.asm.WriteString("\n")
}

// widenNEON writes the packing of a panel from weights whose rows are steps of k: the products of a backward.
func (g *generator) widenNEON(k kind) {
	name := "widen" + k.name + "NEON"
	g.textNEON(k.widenDoc(name), name, packSignature)
	g.op("LSL $2, R2, R2")
	g.scaleNEON(k, 4)
	g.label("row")
	if k.name == "F32" {
		g.op("VLD1 (R3), [V4.S4, V5.S4, V6.S4, V7.S4]")
	} else {
		g.op("VLD1 (R3), [V0.H8, V1.H8]")
		name, low := "SHLL", 0x2e613800 // by 16 bits, which is bfloat16 as it should be
		if k.name == "F16" {
			name, low = "FCVTL", 0x0e217800
		}
		for i := range 2 {
			g.word(name, low, 4+2*i, i, 0)
			g.word(name+"2", low|1<<30, 5+2*i, i, 0)
		}
	}
	g.op("VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R1)")
	g.op("ADD R2, R1, R1")
	g.op("ADD R4, R3, R3")
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, row")
	g.op("RET")
	g.asm.WriteString("\n")
}

// gemvColsNEON writes the product of one row of x with columns of weights that are not transposed.
func (g *generator) gemvColsNEON() {
	const name = "gemvCols32NEON"
	g.textNEON(gemvColsDoc(name), name, gemvColsSignature)
	g.op("LSL $2, R3, R3")
	g.op("ADD $64, R4, R6")
	for n := range 8 {
		g.op("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", n)
	}
	g.op("CBZ R5, step")
	g.op("VLD1 (R4), [V0.S4, V1.S4, V2.S4, V3.S4]")
	g.op("VLD1 (R6), [V4.S4, V5.S4, V6.S4, V7.S4]")
	g.label("step")
	g.op("VLD1R.P 4(R1), [V16.S4]")
	g.op("ADD $64, R2, R7")
	g.op("VLD1 (R2), [V17.S4, V18.S4, V19.S4, V20.S4]")
	g.op("VLD1 (R7), [V21.S4, V22.S4, V23.S4, V24.S4]")
	for n := range 8 {
		g.op("VFMLA V%d.S4, V16.S4, V%d.S4", 17+n, n)
	}
	g.op("ADD R3, R2, R2")
	g.op("SUB $1, R0, R0")
	g.op("CBNZ R0, step")
	g.op("VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R4)")
	g.op("VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R6)")
	g.op("RET")
	g.asm.WriteString("\n")
}
