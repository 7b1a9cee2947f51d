package main

// unpacking begins a routine that unpacks 4-bit weights, of which SI counts the blocks until the next zero points, and returns how an
// instruction is called whose AVX-512 form names its width.
func (m machine) unpacking(g *generator, name, value string, bias, nibbles int) (named func(op string) string) {
	g.text(unpackDoc(name, value), name, unpackSignature, "CX", "BX", "R8", "R9", "DI", "AX")
	g.op("VMOVD AX, X%d", bias)
	g.op("VPBROADCASTB X%d, %s", bias, m.r(bias))
	g.op("VPBROADCASTD nibbles<>(SB), %s", m.r(nibbles))
	g.op("MOVQ R9, SI")
	g.label("block")
	return func(op string) string {
		switch {
		case m.name != "AVX512":
			return op
		case op == "VMOVDQU":
			return "VMOVDQU64"
		}
		return op + "D"
	}
}

// halves calls f for the registers of low and then of high halves of the weights of the columns at so many bytes of each row of words, and
// writes what it leaves there.
func (m machine) halves(g *generator, named func(op string) string, nibbles, at int, f func(w string)) {
	for j := range 4 {
		low, high := m.r(2*(j%2)), m.r(2*(j%2)+1)
		g.op("PREFETCHT1 %d(BX)", 128*j+at+prefetch)
		g.op("%s %d(BX), %s", named("VMOVDQU"), 128*j+at, low)
		g.op("VPSRLW $4, %s, %s", low, high)
		for half, w := range []string{low, high} {
			g.op("%s %s, %s, %[3]s", named("VPAND"), m.r(nibbles), w)
			f(w)
			g.op("%s %s, %d(DI)", named("VMOVDQU"), w, 128*(j+4*half)+at)
		}
	}
}

// unpack writes the unpacking of weights with sub-scales. A word of two bytes from 0 to 15, times a multiple up to 15, is both products:
// neither leaves its byte. What is left is to subtract 8 times the multiple, and to change the sign where that of the multiple is negative:
// (v ^ s) - s, with s all ones or 0.
func (m machine) unpack(g *generator) {
	const multiple, eight, sign, minus, bias, nibbles = 8, 9, 10, 11, 12, 13
	named := m.unpacking(g, "unpack"+m.name, withSubScale, bias, nibbles)
	for at := 0; at < 128; at += m.bytes() {
		g.op("VPMOVSXBD %d(R8), %s", at/4, m.r(multiple))
		g.op("VPSRAD $31, %s, %s", m.r(multiple), m.r(sign))
		g.op("VPABSD %s, %[1]s", m.r(multiple))
		g.op("VPSLLD $16, %s, %s", m.r(multiple), m.r(eight))
		g.op("%s %s, %s, %[3]s", named("VPOR"), m.r(eight), m.r(multiple)) // in both halves of each word
		g.op("VPSLLD $8, %s, %s", m.r(multiple), m.r(eight))
		g.op("%s %s, %s, %[3]s", named("VPOR"), m.r(multiple), m.r(eight)) // in every byte
		g.op("VPSLLD $3, %s, %[1]s", m.r(eight))
		g.op("VPSUBB %s, %s, %s", m.r(bias), m.r(sign), m.r(minus))
		m.halves(g, named, nibbles, at, func(w string) {
			g.op("VPMULLW %s, %s, %[2]s", m.r(multiple), w)
			g.op("VPSUBB %s, %s, %[2]s", m.r(eight), w)
			g.op("%s %s, %s, %[3]s", named("VPXOR"), m.r(sign), w)
			g.op("VPSUBB %s, %s, %[2]s", m.r(minus), w)
		})
	}
	g.op("ADDQ $32, R8")
	m.nextUnpacked(g)
}

// unpackZeros writes the unpacking of weights with zero points.
func (m machine) unpackZeros(g *generator) {
	const zero, t, bias, nibbles = 8, 9, 12, 13
	named := m.unpacking(g, "unpackZeros"+m.name, withZero, bias, nibbles)
	for at := 0; at < 128; at += m.bytes() {
		g.op("VPMOVZXBD %d(R8), %s", at/4, m.r(zero))
		for _, shift := range []int{8, 16} { // in every byte
			g.op("VPSLLD $%d, %s, %s", shift, m.r(zero), m.r(t))
			g.op("%s %s, %s, %[3]s", named("VPOR"), m.r(t), m.r(zero))
		}
		g.op("VPSUBB %s, %s, %[2]s", m.r(bias), m.r(zero))
		m.halves(g, named, nibbles, at, func(w string) { g.op("VPSUBB %s, %s, %[2]s", m.r(zero), w) })
	}
	g.op("DECQ SI")
	g.op("JNZ same")
	g.op("MOVQ R9, SI")
	g.op("ADDQ $32, R8")
	g.label("same")
	m.nextUnpacked(g)
}

// nextUnpacked ends the loop over blocks.
func (m machine) nextUnpacked(g *generator) {
	g.op("ADDQ $512, BX")
	g.op("ADDQ $1024, DI")
	g.op("DECQ CX")
	g.op("JNZ block")
	g.end()
}
