package main

import (
	"fmt"
	"slices"
)

// amd64 is AVX2 or AVX-512: of the latter, only what its foundation has.
type amd64 struct {
	*assembly
	avx512 bool
}

var (
	amd64Pointers = []string{"SI", "BX", "DI", "DX", "R8", "R9"}
	amd64Ops      = map[string]string{
		"add": "VADDPS", "sub": "VSUBPS", "mul": "VMULPS", "div": "VDIVPS", "min": "VMINPS", "max": "VMAXPS",
		"iadd": "VPADDD", "isub": "VPSUBD", "and": "VPAND", "or": "VPOR", "shl": "VPSLLD", "shr": "VPSRLD",
	}
)

func (m amd64) op(name string) string {
	if m.avx512 && (name == "and" || name == "or") {
		return amd64Ops[name] + "D"
	}
	return amd64Ops[name]
}

func (m amd64) r(n int) string {
	if m.avx512 {
		return fmt.Sprintf("Z%d", n)
	}
	return fmt.Sprintf("Y%d", n)
}

func (m amd64) name() string {
	if m.avx512 {
		return "AVX512"
	}
	return "AVX2"
}

func (m amd64) lanes() int {
	if m.avx512 {
		return 16
	}
	return 8
}

func (m amd64) registers() int {
	if m.avx512 {
		return 32
	}
	return 16
}

func (m amd64) begin(f function, signature string) {
	m.text(f, m.name(), signature)
	m.line("MOVQ n+0(FP), CX")
	for i, s := range f.names() {
		m.line("MOVQ %s+%d(FP), %s", s, 8+8*i, amd64Pointers[i])
	}
}

func (m amd64) at(bits uint32) string {
	return fmt.Sprintf("number<>+%d(SB)", 32*m.constants.place(bits))
}

func (m amd64) constant(r int, bits uint32) { m.line("VBROADCASTSS %s, %s", m.at(bits), m.r(r)) }
func (m amd64) uniform(r, pointer int) {
	m.line("VBROADCASTSS (%s), %s", amd64Pointers[pointer], m.r(r))
}
func (m amd64) load(r, pointer, offset int) {
	m.line("VMOVUPS %d(%s), %s", offset, amd64Pointers[pointer], m.r(r))
}
func (m amd64) store(r, pointer, offset int) {
	m.line("VMOVUPS %s, %d(%s)", m.r(r), offset, amd64Pointers[pointer])
}
func (m amd64) loop() { m.label("loop") }

func (m amd64) again(pointers []int) {
	m.move(pointers, 1)
	m.line("DECQ CX")
	m.line("JNZ loop")
}

// move moves pointers on by times so many elements.
func (m amd64) move(pointers []int, times int) {
	for _, p := range pointers {
		m.line("ADDQ $%d, %s", 4*elements*times, amd64Pointers[p])
	}
}

// sideBySide: AVX2 has no registers for it, and its two vectors of a pass come closer.
func (m amd64) sideBySide() int {
	if m.avx512 {
		return 4
	}
	return 1
}

func (m amd64) many(vectors int) {
	m.line("SUBQ $%d, CX", vectors)
	m.line("JLT rest")
	m.label("many")
}

func (m amd64) rest(vectors int, pointers []int) {
	m.move(pointers, vectors)
	m.line("SUBQ $%d, CX", vectors)
	m.line("JGE many")
	m.label("rest")
	m.line("ADDQ $%d, CX", vectors)
	m.line("JZ done")
}

func (m amd64) done() { m.label("done") }

func (m amd64) end() {
	m.line("VZEROUPPER")
	m.line("RET")
}

// spare is all: an operand in memory costs nothing.
func (m amd64) spare() int { return m.registers() }

// binary: the assembler has the second operand first. The minimum and maximum of the processor are the comparisons that
// program.binary asks for.
func (m amd64) binary(name string, dst, a, b int) {
	m.line("%s %s, %s, %s", m.op(name), m.r(b), m.r(a), m.r(dst))
}

func (m amd64) binaryConstant(name string, dst, a int, bits uint32) {
	op := m.op(name)
	if m.avx512 {
		op += ".BCST"
	}
	m.line("%s %s, %s, %s", op, m.at(bits), m.r(a), m.r(dst))
}

func (m amd64) shift(name string, dst, a, n int) {
	m.line("%s $%d, %s, %s", m.op(name), n, m.r(a), m.r(dst))
}

func (m amd64) negative(dst, a, b, c int) {
	if m.avx512 {
		m.line("VPSRAD $31, %s, %s", m.r(a), m.r(dst))
		m.line("VPTERNLOGD $0xca, %s, %s, %s", m.r(c), m.r(b), m.r(dst)) // dst ? b : c
		return
	}
	m.line("VBLENDVPS %s, %s, %s, %s", m.r(a), m.r(b), m.r(c), m.r(dst))
}

func (m amd64) accumulate(name string, lanes, v, _ int) {
	m.line("%s %s, %s, %s", m.op(name), m.r(lanes), m.r(v), m.r(lanes))
}

// amd64Constants are 32 bytes of each constant: a register of AVX2, of which AVX-512 repeats the first 4.
func amd64Constants(c constants) string {
	return c.data(32, func(bits uint32) []uint64 {
		return slices.Repeat([]uint64{uint64(bits)<<32 | uint64(bits)}, 4)
	})
}
