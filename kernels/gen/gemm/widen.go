package main

import "fmt"

// widen writes the packing of a panel from weights whose rows are steps of k: the products of a backward.
func (m machine) widen(g *generator, k kind) {
	name := "widen" + k.name + m.name
	g.text(k.widenDoc(name), name, packSignature, "CX", "DI", "R8", "SI", "DX")
	g.op("SHLQ $2, R8")
	g.op("IMULQ $%d, DX", k.bytes)
	g.label("row")
	for i := range widenCols / m.lanes {
		from := fmt.Sprintf("%d(SI)", i*m.lanes*k.bytes)
		switch k.name {
		case "F32":
			g.op("VMOVUPS %s, %s", from, m.r(i))
		case "BF16":
			g.op("VPMOVZXWD %s, %s", from, m.r(i))
			g.op("VPSLLD $16, %[1]s, %[1]s", m.r(i))
		default:
			g.op("VCVTPH2PS %s, %s", from, m.r(i))
		}
		g.op("VMOVUPS %s, %d(DI)", m.r(i), i*m.bytes())
	}
	g.op("ADDQ R8, DI")
	g.op("ADDQ DX, SI")
	g.op("DECQ CX")
	g.op("JNZ row")
	g.end()
}
