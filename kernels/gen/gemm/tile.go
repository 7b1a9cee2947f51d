package main

import "fmt"

// xAhead is how many bytes of x ahead a tile asks for: x comes from the second-level cache, each tile of it once for each panel, and
// what the processor looks ahead by itself is a tenth slower.
const xAhead = 1536

// tileStepName is the name of the macro that tileStep defines.
func (m machine) tileStepName(rows, vectors int, dot bool) string {
	suffix := ""
	if dot {
		suffix = "Dot"
	}
	return fmt.Sprintf("STEP%dx%d%s_%s", rows, vectors*m.lanes, suffix, m.name)
}

// tileStep defines one step of k of a tile, of the one that packs on the side too: its sums are the first registers. With AVX-512 the
// multiplications of every second row broadcast its element of x themselves: with all of them there would be more to load than
// to multiply, and with none more instructions than a thread can issue whose core another thread shares.
func (m machine) tileStep(g *generator, rows, vectors int, dot bool) {
	embeds := m.name == "AVX512" && !dot
	w := func(v int) int { return vectors*rows + v }
	x := func(r int) int { return vectors*rows + vectors + r%2 }
	g.macro("One step of k: the panel at an offset of BX, and x at an offset of SI, one row after the other.", m.tileStepName(rows, vectors, dot)+"(x, w)", func() {
		for v := range vectors {
			g.op("VMOVUPS (w+%d)(BX), %s", v*m.bytes(), m.r(w(v)))
		}
		for r := 0; r < rows; r += 2 {
			g.op("VBROADCASTSS (x+%d)(SI), %s", 4*r, m.r(x(r)))
			if !embeds {
				g.op("VBROADCASTSS (x+%d)(SI), %s", 4*r+4, m.r(x(r+1)))
			}
			for _, row := range []int{r, r + 1} {
				for v := range vectors {
					switch {
					case dot:
						g.dot(vectors*row+v, x(row), w(v))
					case embeds && row > r:
						g.op("VFMADD231PS.BCST (x+%d)(SI), %s, %s", 4*row, m.r(w(v)), m.r(vectors*row+v))
					default:
						g.op("VFMADD231PS %s, %s, %s", m.r(w(v)), m.r(x(row)), m.r(vectors*row+v))
					}
				}
			}
		}
	})
}

// tile writes a tile over a packed panel, whose rows are two registers of columns, and a packed tile of x, whose columns are mr
// rows: the first of these rows by the first vectors of columns, all in registers while k runs. With dot an element is a pair of
// bfloat16. A tile that is given weights to pack does that on the side.
func (m machine) tile(g *generator, rows, vectors int, dot bool, packs *kind) {
	wide, nr := 2*m.lanes, vectors*m.lanes
	product, suffix := "acc = FMA(x[i*%[5]d+r], w[i*%[6]d+c], acc)", ""
	if dot {
		suffix = "Dot"
		product = "x, w := x[i*%[5]d+r], w[i*%[6]d+c]\n\t\t\t\tacc = FMA(low(x), low(w), FMA(high(x), high(w), acc))"
	}
	name := fmt.Sprintf("tile%dx%d%s%s", rows, nr, suffix, m.name)
	of, also, signature := "", "", floatTileSignature
	if packs != nil {
		name = fmt.Sprintf("tile%dx%dPacking%s%s", rows, nr, packs.name, m.name)
		also, signature = m.packingDoc(*packs), packingTileSignature
	}
	if rows < m.mr || nr < wide {
		of = fmt.Sprintf(" of %d x %d", m.mr, wide)
	}
	doc := fmt.Sprintf(`%s equals tileGeneric in gemm/tile_generic.go, for the first %d x %d%s:

	for r := range %[2]d {
		for c := range %[3]d {
			acc := 0, or dst[r*stride+c] if accumulate != 0
			for i := range k {
				`+product+`
			}
			dst[r*stride+c] = acc
		}
	}
`+also, name, rows, nr, of, m.mr, wide)
	g.text(doc, name, signature, "CX", "SI", "BX", "DI", "DX", "AX")
	g.op("SHLQ $2, DX")

	// The tile below this one comes next: ask for its rows, one with each of the first steps. Asked for at once, they would keep the
	// first steps' own operands waiting.
	g.op("MOVQ DX, R9")
	g.op("IMULQ $%d, R9", rows)
	g.op("ADDQ DI, R9")
	g.op("TESTQ AX, AX")
	g.op("JNZ load")
	for n := range vectors * rows {
		m.zero(g, n)
	}
	g.op("JMP steps")
	g.label("load")
	g.op("MOVQ DI, R8")
	for r := range rows {
		for v := range vectors {
			g.op("VMOVUPS %d(R8), %s", v*m.bytes(), m.r(vectors*r+v))
		}
		g.op("ADDQ DX, R8")
	}

	step := m.tileStepName(rows, vectors, dot)
	loop := func(label, counter string, steps int, aside func()) {
		g.label(label)
		if aside != nil {
			aside()
		}
		for n := range steps {
			if line := 4 * n * m.mr / 64; steps > 1 && (n == 0 || line > 4*(n-1)*m.mr/64) {
				g.op("PREFETCHT0 %d(SI)", xAhead+64*line)
			}
			g.op("%s(%d, %d)", step, 4*n*m.mr, 4*n*wide)
		}
		g.op("ADDQ $%d, SI", steps*4*m.mr)
		g.op("ADDQ $%d, BX", steps*4*wide)
		g.op("DECQ %s", counter)
		g.op("JNZ %s", label)
	}
	ask := func() {
		for at := 0; at < 4*nr; at += 64 {
			g.op("PREFETCHT0 %d(R9)", at)
		}
		g.op("ADDQ DX, R9")
	}
	const unroll = 4
	g.label("steps")
	g.op("MOVQ CX, R8")
	g.op("SHRQ $2, CX")
	g.op("JZ rest")
	g.op("MOVQ $%d, R10", rows)
	g.op("CMPQ CX, R10")
	g.op("CMOVQLT CX, R10")
	g.op("SUBQ R10, CX")
	loop("first", "R10", unroll, ask)
	if packs != nil {
		m.packingLoop(g, *packs, func(row func()) { loop("row", "R10", unroll, row) })
	}
	g.op("TESTQ CX, CX")
	g.op("JZ rest")
	loop("four", "CX", unroll, nil)
	g.label("rest")
	g.op("ANDQ $%d, R8", unroll-1)
	g.op("JZ store")
	loop("one", "R8", 1, nil)

	g.label("store")
	for r := range rows {
		for v := range vectors {
			g.op("VMOVUPS %s, %d(DI)", m.r(vectors*r+v), v*m.bytes())
		}
		if r < rows-1 {
			g.op("ADDQ DX, DI")
		}
	}
	g.end()
}

// tileSizes are the rows and registers of columns of the whole tile, of its first two thirds and its first third, and of its first half
// of columns.
func (m machine) tileSizes() [][2]int {
	return [][2]int{{m.mr, 2}, {2 * m.mr / 3, 2}, {m.mr / 3, 2}, {m.mr, 1}}
}

// tiles writes a tile of each size.
func (m machine) tiles(g *generator, dot bool) {
	for _, size := range m.tileSizes() {
		m.tile(g, size[0], size[1], dot, nil)
	}
}

// pack writes the packing of a panel: a group of rows of the weights becomes one register of columns of the panel.
func (m machine) pack(g *generator, k kind) {
	name := "pack" + k.name + m.name
	g.text(k.packDoc(name, m.lanes), name, packSignature, "CX", "SI", "R9", "BX", "DX")
	g.op("IMULQ $%d, DX", k.bytes)
	g.op("LEAQ (DX)(DX*2), R8")
	g.op("SHLQ $2, R9")
	m.point(g)
	g.label("chunk")
	m.steps(g, k, 0, func(_, register int) {
		g.op("VMOVUPS %s, (SI)", m.r(register))
		g.op("ADDQ R9, SI")
	})
	for q := range m.lanes / 4 {
		g.op("ADDQ $%d, %s", k.chunk(), quads[q])
	}
	g.op("DECQ CX")
	g.op("JNZ chunk")
	g.end()
}
