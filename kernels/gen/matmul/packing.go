package main

import "fmt"

// A tile that packs: between the steps of its own product it lays a part of the weights that come next out as a panel. Its products
// keep the processor's floating-point units busy and leave the others idle, so that what is done by general registers costs next to
// nothing. The routine for packing alone, which transposes in vector registers, costs a few per cent of a prefill.

// packedSteps is how many steps a tile packs of a row of weights with four steps of its own. The fewer, the longer it takes to pack all.
const packedSteps = 16

// rowBytes is the length of so many steps in a row of weights.
func (k kind) rowBytes() int { return packedSteps * k.chunk() / k.elements() }

// packingDoc is the part of the doc comment that tells what is packed.
func (m machine) packingDoc(k kind) string {
	return fmt.Sprintf(`
and packs %[2]d rows of weights, fromStride apart:

	for i := range %[1]d * blocks {
		for r := range %[2]d {
			to[i*%[2]d+r] = %[3]s
		}
	}

k is at least 4 * (%[4]d + %[2]d*blocks).
`, packedSteps, 2*m.lanes, k.elementOf("from", "fromStride"), m.mr)
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
	if k != bf16 {
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
// what the block after the next one takes of it.
func (m machine) packRow(g *generator, k kind) {
	nr := 2 * m.lanes
	g.op("PREFETCHT1 128(R11)")
	for at := 0; at < k.rowBytes(); at += 8 {
		g.op("MOVQ %d(R11), R8", at)
		if k != bf16 {
			// A half of 0x6000 and what it has of these bits has its highest bit if it has any of them.
			g.op("MOVQ R8, R9")
			g.op("ANDQ R14, R9")
			g.op("ADDQ R14, R9")
			g.op("ANDQ R15, R9")
			g.op("SHRQ $15, R9")
			g.op("IMUL3Q $0xffff, R9, R9")
			g.op("ANDQ R9, R8")
		}
		for half := range 2 {
			if half > 0 {
				g.op("SHRQ $32, R8")
			}
			if k == pairs {
				g.op("MOVL R8, %d(R13)", 4*nr*(at/4+half))
				continue
			}
			even, odd := 4*nr*(at/2+2*half), 4*nr*(at/2+2*half+1)
			if k == swapped {
				even, odd = odd, even
			}
			g.op("MOVL R8, R9")
			g.op("SHLL $16, R9")
			g.op("MOVL R9, %d(R13)", even)
			g.op("MOVL R8, R9")
			g.op("ANDL $0xffff0000, R9")
			g.op("MOVL R9, %d(R13)", odd)
		}
	}
	g.op("ADDQ R12, R11")
	g.op("ADDQ $4, R13")
}
