package main

import "fmt"

// gemvCols writes the product of one row of x with columns of weights that are not transposed: the values of attention.
func (m machine) gemvCols(g *generator) {
	name := fmt.Sprintf("gemvCols%d%s", gemvColumns, m.name)
	g.text(gemvColsDoc(name), name, gemvColsSignature, "CX", "SI", "BX", "DX", "DI", "AX")
	n := gemvColumns / m.lanes
	g.op("SHLQ $2, DX")
	g.op("TESTQ AX, AX")
	g.op("JNZ load")
	for i := range n {
		m.zero(g, i)
	}
	g.op("JMP step")
	g.label("load")
	for i := range n {
		g.op("VMOVUPS %d(DI), %s", i*m.bytes(), m.r(i))
	}
	g.label("step")
	g.op("VBROADCASTSS (SI), %s", m.r(n))
	for i := range n {
		g.op("VFMADD231PS %d(BX), %s, %s", i*m.bytes(), m.r(n), m.r(i))
	}
	g.op("ADDQ $4, SI")
	g.op("ADDQ DX, BX")
	g.op("DECQ CX")
	g.op("JNZ step")
	for i := range n {
		g.op("VMOVUPS %s, %d(DI)", m.r(i), i*m.bytes())
	}
	g.end()
}

// addRows writes the addition of a row, n times 16 columns, to each of some rows.
func (m machine) addRows(g *generator) {
	name := "addRows" + m.name
	g.text(addRowsDoc(name), name, addRowsSignature, "CX", "R8", "DI", "DX", "SI")
	g.op("SHLQ $2, DX")
	g.label("row")
	g.op("MOVQ R8, R9")
	g.op("MOVQ DI, R10")
	g.op("MOVQ SI, R11")
	g.label("columns")
	for at := 0; at < 64; at += m.bytes() {
		g.op("VMOVUPS %d(R10), %s", at, m.r(at/m.bytes()))
		g.op("VADDPS %d(R11), %s, %[2]s", at, m.r(at/m.bytes()))
		g.op("VMOVUPS %s, %d(R10)", m.r(at/m.bytes()), at)
	}
	g.op("ADDQ $64, R10")
	g.op("ADDQ $64, R11")
	g.op("DECQ R9")
	g.op("JNZ columns")
	g.op("ADDQ DX, DI")
	g.op("DECQ CX")
	g.op("JNZ row")
	g.end()
}
