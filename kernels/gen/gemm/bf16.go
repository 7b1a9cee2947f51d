package main

import "fmt"

// product is the line of a gemvRows routine's loop, in its doc comment.
func (k kind) product() string {
	switch k {
	case emulated:
		return "acc = FMA(x[r*xStride+i], roundWeight(w[c*stride+i^1]), acc)"
	case paired:
		return "x, w := x[r*xStride+i], w[c*stride+2*i:]\n\t\t\t\tacc = FMA(low(x), roundWeight(w[0]), FMA(high(x), roundWeight(w[1]), acc))"
	}
	return "acc = FMA(x[r*xStride+i], w[c*stride+i], acc)"
}

// elementOf is what a packing of w puts into a panel, in its doc comment.
func (k kind) elementOf(w, stride string) string {
	switch k {
	case emulated:
		return fmt.Sprintf("roundWeight(%s[r*%s+i^1])", w, stride)
	case paired:
		return fmt.Sprintf("roundWeight(%s[r*%s+2*i]) | roundWeight(%[1]s[r*%[2]s+2*i+1])<<16", w, stride)
	}
	return fmt.Sprintf("%s[r*%s+i]", w, stride)
}

// flushMacro defines roundWeight for a register of halves.
func (m machine) flushMacro(g *generator) {
	g.macro("Halves below 2^-63 become +0.", "FLUSH_"+m.name+"(c)", func() {
		if m.name == "AVX512" {
			g.op("VPTESTMW normal<>(SB), c, K1")
			g.op("VMOVDQU16.Z c, K1, c")
			return
		}
		g.op("VPAND normal<>(SB), c, %s", m.r(4))
		g.op("VPCMPEQW zero<>(SB), %s, %[1]s", m.r(4))
		g.op("VPANDN c, %s, c", m.r(4))
	})
}

// dotStep is one pair of steps of k: the outputs of each row of x, of which the first is in a register and the next one stride
// further, take the products of its pair and the weights in register w. It is no macro, since dot knows registers by number.
func (m machine) dotStep(g *generator, rows, at, w, first, stride int) {
	for r := range rows {
		g.op("VBROADCASTSS %d(%s)%s, %s", at, []string{"SI", "R14"}[r/4], []string{"", "(R10*1)", "(R10*2)", "(R11*1)"}[r%4], m.r(24+r%2))
		g.dot(first+r*stride, 24+r%2, w)
	}
}

// dot is VDPBF16PS b, a, acc of 512 bits, which Go's assembler does not know: EVEX.512.F3.0F38.W0 52 /r.
func (g *generator) dot(acc, a, b int) {
	bit := func(register, n, to int) int { return (register>>n&1 ^ 1) << to } // the prefix holds upper bits inverted
	g.op("BYTE $0x62; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x52; BYTE $0x%02x",
		bit(acc, 3, 7)|bit(b, 4, 6)|bit(b, 3, 5)|bit(acc, 4, 4)|2, (a&15^15)<<3|6, 0x40|bit(a, 4, 3), 0xc0|acc&7<<3|b&7)
}

// roundEmulated writes the rounding of a row of x for emulation by FMA.
func (g *generator) roundEmulated() {
	const name = "roundEmulatedAVX2"
	g.text(roundEmulatedDoc(name, 8), name, roundSignature, "CX", "DI", "SI")
	g.label("eight")
	g.op("VMOVUPS (SI), Y0")
	g.op("VPSRLD $16, Y0, Y1")
	g.op("VPAND one<>(SB), Y1, Y1")
	g.op("VPADDD half<>(SB), Y0, Y2")
	g.op("VPADDD Y1, Y2, Y2")
	g.op("VPOR quiet<>(SB), Y0, Y3")
	g.op("VCMPPS $3, Y0, Y0, Y4") // neither less, equal nor greater: NaN
	g.op("VBLENDVPS Y4, Y3, Y2, Y2")
	g.op("VPAND high<>(SB), Y2, Y2")
	g.op("VPAND magnitude<>(SB), Y0, Y5")
	g.op("VPCMPGTD below<>(SB), Y5, Y5")
	g.op("VPAND Y5, Y2, Y2")
	g.op("VPERMILPS $0xb1, Y2, Y2")
	g.op("VMOVUPS Y2, (DI)")
	g.op("ADDQ $32, SI")
	g.op("ADDQ $32, DI")
	g.op("DECQ CX")
	g.op("JNZ eight")
	g.end()
}

// roundDot writes the rounding of a row of x for the dot-product instruction.
func (g *generator) roundDot() {
	g.text(`roundDotAVX512 equals roundDot in gemm/bf16/dot_amd64.go, for n times 16 numbers:

	for i := range 16 * n {
		(*[16 * n]uint16)(dst)[i] = roundActivation(x[i])
	}
`, "roundDotAVX512", roundSignature, "CX", "DI", "SI")
	g.label("sixteen")
	g.op("VMOVUPS (SI), Z0")
	g.op("VPANDD magnitude<>(SB), Z0, Z1")
	g.op("VPCMPUD $5, tiny<>(SB), Z1, K1") // not less
	g.op("VMOVDQU32.Z Z0, K1, Z0")
	g.op("BYTE $0x62; BYTE $0xf2; BYTE $0x7e; BYTE $0x48; BYTE $0x72; BYTE $0xc0 // VCVTNEPS2BF16 Z0, Y0")
	g.op("VMOVUPS Y0, (DI)")
	g.op("ADDQ $64, SI")
	g.op("ADDQ $32, DI")
	g.op("DECQ CX")
	g.op("JNZ sixteen")
	g.end()
}
