package main

import "fmt"

// strip writes the product of a few rows of x with a strip of weights where they lie: a decoding step reads every weight
// once, so it is transposed in registers and never stored.
func (m machine) strip(g *generator, k kind, rows int) {
	groups := m.groups[rows]
	cols := groups * m.lanes
	line := 64 / k.bytes // steps of k in a cache line of each row
	name := fmt.Sprintf("strip%d%s%s", rows, k.name, m.name)
	doc := fmt.Sprintf(`%s is stripFunc for %d rows of x and %d rows of weights, of which a line is 64 bytes:

	for r := range %[2]d {
		for c := range %[3]d {
			acc := 0, or dst[r*dstStride+c] if accumulate != 0
			for i := range lines * %d {
				%s
			}
			dst[r*dstStride+c] = acc
		}
	}
`, name, rows, cols, line/k.steps*k.elements(), k.product())
	g.text(doc, name, "(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int)",
		"CX", "SI", "R10", "BX", "DX", "R12", "R13", "AX")
	acc := func(row, group int) string { return m.r(8 + row*groups + group) }
	g.op("SHLQ $2, R10")
	g.op("SHLQ $2, R13")
	g.op("IMULQ $%d, DX", k.bytes)
	g.op("LEAQ (DX)(DX*2), R8")
	g.op("LEAQ (R10)(R10*2), R11")
	g.op("LEAQ (SI)(R10*4), R14")
	g.op("MOVQ DX, R9")
	g.op("IMULQ $%d, R9", cols)

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

	// A pass of the loop takes a chunk of every row. At the begin of each line it asks for as many bytes of the rows that
	// come after these, one after the other as they lie: the processor's own looking ahead follows no more than a few rows.
	chunks := line / k.steps
	g.label("line")
	g.op("IMULQ $%d, CX", chunks)
	g.label("chunk")
	g.op("TESTQ $%d, CX", chunks-1)
	g.op("JNZ products")
	g.op("MOVQ w+24(FP), DI")
	g.op("MOVQ BX, AX")
	g.op("SUBQ DI, AX")
	g.op("IMULQ $%d, AX", cols)
	g.op("ADDQ R9, DI")
	g.op("ADDQ AX, DI")
	for c := range cols {
		g.op("PREFETCHT1 %d(DI)", 64*c)
	}
	g.label("products")
	for c := range groups {
		m.point(g)
		m.steps(g, k, func(step, register int) {
			if k == pairs {
				m.dotStep(g, rows, 4*step, register, 8+c, groups)
				return
			}
			to := ""
			for r := range rows {
				to += ", " + acc(r, c)
			}
			g.op("STEP%d_%s(%d, %s%s)", rows, m.name, 4*step, m.r(register), to)
		})
		m.next(g)
	}
	g.op("SUBQ R9, BX")
	g.op("ADDQ $%d, BX", k.chunk())
	g.op("ADDQ $%d, SI", 4*k.elements())
	g.op("ADDQ $%d, R14", 4*k.elements())
	g.op("DECQ CX")
	g.op("JNZ chunk")
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
