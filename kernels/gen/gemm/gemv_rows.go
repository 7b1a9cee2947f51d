package main

import "fmt"

// nearLines is how many lines ahead of its use a routine that prefetches near asks for a row.
const nearLines = 8

// gemv writes the product of a few rows of x with some rows of weights where they lie. A decoding step reads every weight
// once, so it is transposed in registers and never stored packed. A routine that prefetches near is of one row.
func (m machine) gemv(g *generator, k kind, rows int, near bool) {
	groups := m.groups[rows]
	cols := groups * m.lanes
	name := fmt.Sprintf("gemvRows%d%s%s", rows, k.name, m.name)
	if near {
		name = fmt.Sprintf("gemvRows%d%sNear%s", rows, k.name, m.name)
	}
	doc := k.gemvRowsDoc(name, rows, cols)
	if near {
		doc += fmt.Sprintf("\nIt asks for each row's lines %d before their use.\n", nearLines)
	}
	g.text(doc, name, gemvRowsSignature,
		"CX", "SI", "R10", "BX", "DX", "R12", "R13", "AX")
	acc := func(row, group int) string { return m.r(8 + row*groups + group) }
	g.op("SHLQ $2, R13")
	g.op("IMULQ $%d, DX", k.bytes)
	g.op("LEAQ (DX)(DX*2), R8")
	if near {
		g.op("LEAQ %d(BX), R9", 64*nearLines)
	} else {
		g.op("SHLQ $2, R10")
		g.op("LEAQ (R10)(R10*2), R11")
		g.op("LEAQ (SI)(R10*4), R14")
		g.op("MOVQ DX, R9")
		g.op("IMULQ $%d, R9", cols)
		g.op("ADDQ BX, R9")
	}

	g.op("TESTQ AX, AX")
	g.op("JNZ load")
	for n := range rows * groups {
		m.zero(g, 8+n)
	}
	g.op("JMP line")
	g.label("load")
	g.op("MOVQ R12, DI")
	for r := range rows {
		for c := range groups {
			g.op("VMOVUPS %d(DI), %s", c*m.bytes(), acc(r, c))
		}
		if r < rows-1 {
			g.op("ADDQ R13, DI")
		}
	}

	// A pass of the loop takes a line of every row. Between the products it asks for as many lines, a few instructions apart: a burst of
	// them would hold up the loads of this pass. The processor's own looking ahead follows no more than a few rows. They are those of the
	// rows that come after these, one after the other as they lie, into the second-level cache; or, asking near, those of the same rows a
	// few lines on, and at their end of the next ones, into the first.
	ask := func(line int) { g.op("PREFETCHT1 %d(R9)", 64*line) }
	if near {
		ask = func(line int) { g.op("PREFETCHT0 (%s)%s", nearQuads[line/4], quadRows[line%4]) }
	}
	g.label("line")
	if near {
		m.pointNear(g, cols)
	}
	asked, done := 0, 0 // lines, and steps of all groups
	for part := range m.parts(k) {
		for c := range groups {
			m.point(g)
			m.part(g, k, part, func(step, register int) {
				done++
				for ; asked < done*cols/(groups*k.line()); asked++ {
					ask(asked)
				}
				if k == paired {
					m.dotStep(g, rows, 4*step, register, 8+c, groups)
					return
				}
				to := ""
				for r := range rows {
					to += ", " + acc(r, c)
				}
				g.op("STEP%d_%s(%d, %s%s)", rows, m.name, 4*step, m.r(register), to)
			})
			if groups > 1 {
				m.next(g)
			}
		}
		if groups > 1 {
			g.op("MOVQ DX, AX")
			g.op("IMULQ $%d, AX", cols)
			g.op("SUBQ AX, BX")
		}
	}
	g.op("ADDQ $64, BX")
	g.op("ADDQ $%d, SI", 4*k.line())
	if near {
		g.op("ADDQ $64, R9")
	} else {
		g.op("ADDQ $%d, R9", 64*cols)
		g.op("ADDQ $%d, R14", 4*k.line())
	}
	g.op("DECQ CX")
	g.op("JNZ line")
	for r := range rows {
		for c := range groups {
			g.op("VMOVUPS %s, %d(R12)", acc(r, c), c*m.bytes())
		}
		if r < rows-1 {
			g.op("ADDQ R13, R12")
		}
	}
	g.end()
}

// nearQuads are what quads are for the lines that are prefetched near: a routine of one row has these registers left.
var nearQuads = []string{"R9", "R10", "R11", "R14"}

// pointNear sets them from the first, which goes over to the next rows where these end. It uses AX, which point sets anew.
func (m machine) pointNear(g *generator, cols int) {
	g.op("CMPQ CX, $%d", nearLines)
	g.op("JNE ask")
	g.op("MOVQ DX, AX")
	g.op("IMULQ $%d, AX", cols)
	g.op("ADDQ AX, R9")
	g.op("MOVQ lines+0(FP), AX")
	g.op("SHLQ $6, AX")
	g.op("SUBQ AX, R9")
	g.label("ask")
	for q := 1; q < len(nearQuads); q++ {
		g.op("LEAQ (%s)(DX*4), %s", nearQuads[q-1], nearQuads[q])
	}
}

// gemvRows writes the routines for some kinds of weights and all numbers of rows, and with AVX-512 that of one row that prefetches near.
func (m machine) gemvRows(g *generator, kinds ...kind) {
	for _, k := range kinds {
		for _, rows := range []int{1, 2, 4, 8} {
			m.gemv(g, k, rows, false)
		}
		if m.name == "AVX512" {
			m.gemv(g, k, 1, true)
		}
	}
}

// parts is how many parts of a line of each row are loaded one after the other: as many as it takes, or a whole line, so that
// no row is touched twice. Rows whose distance is a multiple of many lines share few places in the cache.
func (m machine) parts(k kind) int {
	if m.name == "AVX512" {
		return 1
	}
	return 64 / k.chunk()
}

// part loads a part of a line of each row of a group and calls f for each step of k in it, with the register of its weights.
func (m machine) part(g *generator, k kind, part int, f func(step, register int)) {
	if m.name == "AVX512" {
		m.wholeLine(g, k, f)
		return
	}
	m.steps(g, k, part*k.chunk(), func(step, register int) { f(part*k.elements()+step, register) })
}

// wholeLine is part for 16 rows of 16 words.
func (m machine) wholeLine(g *generator, k kind, f func(step, register int)) {
	g.op("LINE_" + m.name)
	if k.rounds() {
		m.flushLine(g)
	}
	for word, c := range lineRegisters {
		low, high := 28, 29
		if k.name != "F16" {
			m.flushed(g, k, word, c, low, high, f)
			continue
		}
		g.op("VPMOVDW %s, Y%d", m.r(c), low)
		g.op("VCVTPH2PS Y%d, %s", low, m.r(low))
		g.op("VPSRLD $16, %s, %s", m.r(c), m.r(high))
		g.op("VPMOVDW %s, Y%d", m.r(high), high)
		g.op("VCVTPH2PS Y%d, %s", high, m.r(high))
		f(2*word, low)
		f(2*word+1, high)
	}
}

// flushLine rounds the weights of a line, by way of register 24. Weights of ordinary size have an exponent bit in common: where all
// have it, there is nothing to round.
func (m machine) flushLine(g *generator) {
	g.op("VMOVDQA64 %s, Z24", m.r(lineRegisters[0]))
	for i := 1; i < len(lineRegisters)-1; i += 2 {
		g.op("VPTERNLOGD $0x80, %s, %s, Z24", m.r(lineRegisters[i]), m.r(lineRegisters[i+1]))
	}
	g.op("VPANDD %s, Z24, Z24", m.r(lineRegisters[len(lineRegisters)-1]))
	g.op("VPTESTNMW usual<>(SB), Z24, K1")
	g.op("KORTESTD K1, K1")
	g.op("JZ flushed")
	for _, c := range lineRegisters {
		g.op("FLUSH_%s(%s)", m.name, m.r(c))
	}
	g.label("flushed")
}

// lineRegisters hold a line of 16 rows: first a row each, in the end a word of every row.
var lineRegisters = []int{0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}

// lineMacro defines the loading of a line of each row of a group, transposed: a lane of 16 bytes at first, in fours of rows, then
// the lanes of four fours. It uses registers 24 to 27 too. AVX2 has no registers for it.
func (m machine) lineMacro(g *generator) {
	if m.name != "AVX512" {
		return
	}
	g.macro("64 bytes of each row of a group, transposed: registers 0 to 7 and 16 to 23 hold a word of every row.", "LINE_"+m.name, func() {
		d := func(i int) string { return m.r(lineRegisters[i]) }
		for q, quad := range quads {
			for i, row := range quadRows {
				g.op("VMOVUPS (%s)%s, %s", quad, row, d(4*q+i))
			}
			m.transposeLanes(g, [4]string{d(4 * q), d(4*q + 1), d(4*q + 2), d(4*q + 3)}, 24)
		}
		for c := range 4 {
			rows := [4]string{d(c), d(4 + c), d(8 + c), d(12 + c)}
			g.op("VSHUFF64X2 $0x44, %s, %s, Z24", rows[1], rows[0])
			g.op("VSHUFF64X2 $0xee, %s, %s, Z25", rows[1], rows[0])
			g.op("VSHUFF64X2 $0x44, %s, %s, Z26", rows[3], rows[2])
			g.op("VSHUFF64X2 $0xee, %s, %s, Z27", rows[3], rows[2])
			g.op("VSHUFF64X2 $0x88, Z26, Z24, %s", rows[0])
			g.op("VSHUFF64X2 $0xdd, Z26, Z24, %s", rows[1])
			g.op("VSHUFF64X2 $0x88, Z27, Z25, %s", rows[2])
			g.op("VSHUFF64X2 $0xdd, Z27, Z25, %s", rows[3])
		}
	})
}
