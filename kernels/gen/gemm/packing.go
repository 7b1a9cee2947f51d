package main

import "fmt"

// A tile that packs: between the steps of its own product it lays a part of the weights that come next out as a panel. Its products
// keep the processor's floating-point units busy and leave the others idle, so that what is done by general registers costs next to
// nothing. The routine for packing alone, which transposes in vector registers, costs a few per cent of a prefill.

// packedSteps is how many steps of a row of weights a tile packs during four steps of its own product. With a smaller number, more tiles
// are needed to pack a panel.
const packedSteps = 16

// rowBytes is the length of so many steps in a row of weights.
func (k kind) rowBytes() int { return packedSteps * k.chunk() / k.elements() }

// packingDoc is the part of the doc comment that tells what is packed.
func (m machine) packingDoc(k kind) string {
	upper := ""
	if k != paired {
		upper = " Of each element of to it writes the upper half: the lower one must be 0."
	}
	return fmt.Sprintf(`
and packs %[2]d rows of weights, fromStride apart:

	for i := range %[1]d * blocks {
		for r := range %[2]d {
			to[i*%[2]d+r] = %[3]s
		}
	}

k is at least 4 * (%[4]d + %[2]d*blocks).%[5]s
`, packedSteps, 2*m.lanes, k.elementOf("from", "fromStride"), m.mr, upper)
}

// packingLoop writes the loop over blocks, each a loop over the rows of weights: row makes that of what is done with a row. CX is how
// often four steps are left.
func (m machine) packingLoop(g *generator, k kind, row func(aside func())) {
	nr := 2 * m.lanes
	g.op("MOVQ from+48(FP), R11")
	g.op("MOVQ fromStride+56(FP), R12")
	g.op("IMULQ $%d, R12", k.bytes)
	g.op("MOVQ to+64(FP), R13")
	g.op("MOVQ blocks+72(FP), AX")
	g.op("TESTQ AX, AX")
	g.op("JZ packed")
	if k.rounds() {
		g.op("MOVQ $0x6000600060006000, R14")
		g.op("MOVQ $0x8000800080008000, R15")
	}
	g.label("block")
	g.op("MOVQ $%d, R10", nr)
	row(func() { m.packRow(g, k) })
	g.op("MOVQ R12, R8")
	g.op("IMULQ $%d, R8", nr)
	g.op("SUBQ R8, R11")
	g.op("ADDQ $%d, R11", k.rowBytes())
	g.op("ADDQ $%d, R13", 4*nr*(packedSteps-1))
	g.op("SUBQ $%d, CX", nr)
	g.op("DECQ AX")
	g.op("JNZ block")
	g.label("packed")
	g.op("MOVQ k+0(FP), R8")
	g.op("ANDQ $3, R8")
}

// packRow packs the next steps of a row at R11, into a column at R13, by way of R8 and R9, and goes on to the next row. It asks for
// what the block after the next one takes of it. Of a widened weight it moves the half that is not 0: where another thread shares the
// core, what such a tile takes is instructions.
func (m machine) packRow(g *generator, k kind) {
	nr := 2 * m.lanes
	g.op("PREFETCHT1 128(R11)")
	switch k {
	case bf16:
		for step := range packedSteps {
			g.op("MOVWLZX %d(R11), R8", 2*step)
			g.op("MOVW R8, %d(R13)", 4*nr*step+2)
		}
	case emulated:
		for step := 0; step < packedSteps; step += 4 {
			flushFour(g, 2*step)
			for i := range 4 {
				if i > 0 {
					g.op("SHRQ $16, R8")
				}
				g.op("MOVW R8, %d(R13)", 4*nr*(step+i^1)+2)
			}
		}
	case paired:
		for pair := 0; pair < packedSteps; pair += 2 {
			flushFour(g, 4*pair)
			g.op("MOVL R8, %d(R13)", 4*nr*pair)
			g.op("SHRQ $32, R8")
			g.op("MOVL R8, %d(R13)", 4*nr*(pair+1))
		}
	}
	g.op("ADDQ R12, R11")
	g.op("ADDQ $4, R13")
}

// flushFour loads four weights of a row into R8, each that is below 2^-63 as +0.
func flushFour(g *generator, at int) {
	g.op("MOVQ %d(R11), R8", at)
	// A half of 0x6000 and what it has of these bits has its highest bit if it has any of them.
	g.op("MOVQ R8, R9")
	g.op("ANDQ R14, R9")
	g.op("ADDQ R14, R9")
	g.op("ANDQ R15, R9")
	g.op("SHRQ $15, R9")
	g.op("IMUL3Q $0xffff, R9, R9")
	g.op("ANDQ R9, R8")
}
