package main

import "fmt"

// arm64 is NEON. What the assembler has no name for is written as a word, with its name behind it.
type arm64 struct{ *assembly }

// arm64Ops are the instructions on vectors of four 32-bit words: op<<0 | m<<16 | n<<5 | d.
var arm64Ops = map[string]struct {
	word uint32
	name string
}{
	"add": {0x4e20d400, "FADD"}, "sub": {0x4ea0d400, "FSUB"}, "mul": {0x6e20dc00, "FMUL"}, "div": {0x6e20fc00, "FDIV"},
	"iadd": {0x4ea08400, "ADD"}, "isub": {0x6ea08400, "SUB"}, "and": {0x4e201c00, "AND"}, "or": {0x4ea01c00, "ORR"},
	"greater": {0x6ea0e400, "FCMGT"}, // d = m < n, all bits or none
	"choose":  {0x6e601c00, "BSL"},   // d = d ? n : m
	"insert":  {0x6ea01c00, "BIT"},   // d = m ? n : d
}

func (m arm64) name() string   { return "NEON" }
func (m arm64) lanes() int     { return 4 }
func (m arm64) registers() int { return 32 }
func (m arm64) spare() int     { return 14 }

// pointer is the register of a pointer: R0 counts.
func (m arm64) pointer(n int) string { return fmt.Sprintf("R%d", n+1) }

func (m arm64) begin(f function, signature string) {
	m.text(f, m.name(), signature)
	m.line("MOVD n+0(FP), R0")
	for i, s := range f.names() {
		m.line("MOVD %s+%d(FP), %s", s, 8+8*i, m.pointer(i))
	}
	if f.hasConstants() {
		m.line("MOVD $number<>(SB), R10")
	}
}

func (m arm64) constant(r int, bits uint32) {
	m.line("FMOVQ %d(R10), F%d", 16*m.constants.place(bits), r)
}
func (m arm64) uniform(r, pointer int) { m.line("VLD1R (%s), [V%d.S4]", m.pointer(pointer), r) }
func (m arm64) load(r, pointer, offset int) {
	m.line("FMOVQ %d(%s), F%d", offset, m.pointer(pointer), r)
}
func (m arm64) store(r, pointer, offset int) {
	m.line("FMOVQ F%d, %d(%s)", r, offset, m.pointer(pointer))
}
func (m arm64) loop() { m.label("loop") }

func (m arm64) again(pointers []int) {
	for _, p := range pointers {
		m.line("ADD $%d, %s", 4*elements, m.pointer(p))
	}
	m.line("SUBS $1, R0")
	m.line("BNE loop")
}

// sideBySide: the four vectors of a pass come after each other.
func (m arm64) sideBySide() int { return 1 }
func (m arm64) many(int)        {}
func (m arm64) rest(int, []int) {}
func (m arm64) done()           {}

func (m arm64) end() { m.line("RET") }

func (m arm64) binary(name string, dst, a, b int) {
	switch name {
	case "min":
		m.three("greater", dst, b, a)
		m.three("choose", dst, a, b)
	case "max":
		m.three("greater", dst, a, b)
		m.three("choose", dst, a, b)
	default:
		m.three(name, dst, a, b)
	}
}

func (m arm64) binaryConstant(name string, dst, a int, bits uint32) {
	m.constant(dst, bits)
	m.three(name, dst, a, dst)
}

func (m arm64) three(name string, d, n, v int) {
	o := arm64Ops[name]
	suffix := "S4"
	if o.word&0xe000fc00 == 0x40001c00 || o.word&0xfc00 == 0x1c00 {
		suffix = "B16"
	}
	m.line("WORD $%#08x // %s V%d.%[5]s, V%[4]d.%[5]s, V%[6]d.%[5]s", o.word|uint32(v)<<16|uint32(n)<<5|uint32(d), o.name, v, n, suffix, d)
}

func (m arm64) shift(name string, dst, a, n int) {
	op := map[string]string{"shl": "VSHL", "shr": "VUSHR"}[name]
	m.line("%s $%d, V%d.S4, V%d.S4", op, n, a, dst)
}

func (m arm64) negative(dst, a, b, c int) {
	m.line("WORD $%#08x // SSHR $31, V%d.S4, V%d.S4", 0x4f210400|uint32(a)<<5|uint32(dst), a, dst)
	m.three("choose", dst, b, c)
}

func (m arm64) accumulate(name string, lanes, v, scratch int) {
	if name == "max" {
		m.three("greater", scratch, v, lanes)
		m.three("insert", lanes, v, scratch)
		return
	}
	m.three(name, lanes, lanes, v)
}

// arm64Constants are 16 bytes of each constant, a register.
func arm64Constants(c constants) string {
	return c.data(16, func(bits uint32) []uint64 {
		twice := uint64(bits)<<32 | uint64(bits)
		return []uint64{twice, twice}
	})
}
