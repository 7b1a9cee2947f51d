package main

// unpack writes the unpacking of 4-bit weights with multiples. A word of two bytes from 0 to 15, times a multiple up to 15, is both products:
// neither leaves its byte. What is left is to subtract 8 times the multiple, and to change the sign where that of the multiple is negative:
// (v ^ s) - s, with s all ones or 0.
func (m machine) unpack(g *generator) {
	name := "unpack" + m.name
	g.text(unpackDoc(name), name, unpackSignature, "CX", "BX", "R8", "DI", "AX")
	logic := func(op string) string { // AVX-512 names its width
		if m.name == "AVX512" {
			return op + "D"
		}
		return op
	}
	const multiple, eight, sign, minus, bias, nibbles = 8, 9, 10, 11, 12, 13
	g.op("VMOVD AX, X%d", bias)
	g.op("VPBROADCASTB X%d, %s", bias, m.r(bias))
	g.op("VPBROADCASTD nibbles<>(SB), %s", m.r(nibbles))
	g.label("block")
	for at := 0; at < 128; at += m.bytes() { // these columns of each row of words
		g.op("VPMOVSXBD %d(R8), %s", at/4, m.r(multiple))
		g.op("VPSRAD $31, %s, %s", m.r(multiple), m.r(sign))
		g.op("VPABSD %s, %[1]s", m.r(multiple))
		g.op("VPSLLD $16, %s, %s", m.r(multiple), m.r(eight))
		g.op("%s %s, %s, %[3]s", logic("VPOR"), m.r(eight), m.r(multiple)) // in both halves of each word
		g.op("VPSLLD $8, %s, %s", m.r(multiple), m.r(eight))
		g.op("%s %s, %s, %[3]s", logic("VPOR"), m.r(multiple), m.r(eight)) // in every byte
		g.op("VPSLLD $3, %s, %[1]s", m.r(eight))
		g.op("VPSUBB %s, %s, %s", m.r(bias), m.r(sign), m.r(minus))
		for j := range 4 {
			low, high := m.r(2*(j%2)), m.r(2*(j%2)+1)
			g.op("PREFETCHT1 %d(BX)", 128*j+at+prefetch)
			if m.name == "AVX512" {
				g.op("VMOVDQU64 %d(BX), %s", 128*j+at, low)
			} else {
				g.op("VMOVDQU %d(BX), %s", 128*j+at, low)
			}
			g.op("VPSRLW $4, %s, %s", low, high)
			for half, w := range []string{low, high} {
				g.op("%s %s, %s, %[3]s", logic("VPAND"), m.r(nibbles), w)
				g.op("VPMULLW %s, %s, %[2]s", m.r(multiple), w)
				g.op("VPSUBB %s, %s, %[2]s", m.r(eight), w)
				g.op("%s %s, %s, %[3]s", logic("VPXOR"), m.r(sign), w)
				g.op("VPSUBB %s, %s, %[2]s", m.r(minus), w)
				if m.name == "AVX512" {
					g.op("VMOVDQU64 %s, %d(DI)", w, 128*(j+4*half)+at)
				} else {
					g.op("VMOVDQU %s, %d(DI)", w, 128*(j+4*half)+at)
				}
			}
		}
	}
	g.op("ADDQ $512, BX")
	g.op("ADDQ $32, R8")
	g.op("ADDQ $1024, DI")
	g.op("DECQ CX")
	g.op("JNZ block")
	g.end()
}
