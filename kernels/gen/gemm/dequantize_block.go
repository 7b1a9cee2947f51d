package main

import "fmt"

// dequantizeBlockSignature is that of a dequantizeBlockFunc.
const dequantizeBlockSignature = "(w *byte, scales, zeros, dst *float32, stride int)"

// dequantizeBlock writes the dequantizing of a block of packed weights for AVX2, two of its 32 rows at a time, so that each half of a register
// is four steps of one.
func (g *generator) dequantizeBlock(bits int) {
	name := fmt.Sprintf("dequantizeInt%dAVX2", bits)
	g.text(fmt.Sprintf(`%s equals dequantize in qgemm/int%[2]d.go for 32 rows, with w.q(c, i) the weight of row c and step i:

	for c := range 32 {
		for i := range 32 {
			dst[c*stride+i] = scales[c] * (float32(w.q(c, i)) - zeros[c])
		}
	}
`, name, bits), name, dequantizeBlockSignature, "BX", "SI", "DX", "DI", "R8")
	const step, zero = "Y8", "Y10"
	g.op("SHLQ $2, R8")
	g.op("VPBROADCASTD nibbles<>(SB), Y12")
	g.op("MOVQ $16, CX")
	g.label("rows")
	for i, from := range []string{"SI", "DX"} {
		g.op("VBROADCASTSS (%s), X%d", from, 8+2*i)
		g.op("VBROADCASTSS 4(%s), X%d", from, 9+2*i)
		g.op("VINSERTF128 $1, X%d, Y%d, Y%[2]d", 9+2*i, 8+2*i)
	}
	finish := func(register, at int) {
		g.op("VCVTDQ2PS Y%d, Y%[1]d", register)
		g.op("VSUBPS %s, Y%d, Y%[2]d", zero, register)
		g.op("VMULPS %s, Y%d, Y%[2]d", step, register)
		g.op("VMOVUPS X%d, %d(DI)", register, at)
		g.op("VEXTRACTF128 $1, Y%d, %d(DI)(R8*1)", register, at)
	}
	for j := range bits {
		low := 2 * (j % 4)
		g.op("VPMOVZXBD %d(BX), Y%d", 128*j, low)
		if bits == 4 {
			g.op("VPSRLD $4, Y%d, Y%d", low, low+1)
			g.op("VPAND Y12, Y%d, Y%[1]d", low)
			finish(low+1, 64+16*j)
		}
		finish(low, 16*j)
	}
	g.op("ADDQ $8, BX")
	g.op("ADDQ $8, SI")
	g.op("ADDQ $8, DX")
	g.op("LEAQ (DI)(R8*2), DI")
	g.op("DECQ CX")
	g.op("JNZ rows")
	g.end()
}
