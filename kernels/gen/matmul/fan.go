package main

import "fmt"

// fan writes the product of one row of x with columns of weights that are not transposed: the values of attention.
func (m machine) fan(g *generator) {
	name := fmt.Sprintf("fan%d%s", fanCols, m.name)
	g.text(fanDoc(name), name, fanSignature, "CX", "SI", "BX", "DX", "DI", "AX")
	n := fanCols / m.lanes
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
