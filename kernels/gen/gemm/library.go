package main

import (
	"bytes"
	"fmt"
	"regexp"
)

// The library is every constant and macro that routines are made of. A file holds those that its routines use.

// definition is a constant or a macro of the library.
type definition struct {
	use  *regexp.Regexp // finds its uses in a text
	text []byte
}

// library writes all of them, each before those that use it.
func library() *generator {
	g := &generator{}
	g.constant("The upper halves of 16 words.", "high", 0xffff0000)
	g.constant("The exponent bits of which a bfloat16 from 2^-63 on has one, in 32 halves.", "normal", 0x60006000)
	g.constant("The one of these bits that weights from 2^-63 to below 2 have.", "usual", 0x20002000)
	g.constant("Nothing.", "zero", 0)
	g.constant("All but the sign.", "magnitude", 0x7fffffff)
	g.constant("2^-49, below which activations are rounded to 0.", "tiny", 0x27000000)
	g.constant("The number before 2^-49.", "below", 0x26ffffff)
	g.constant("What rounding to the nearest adds, where the last bit that stays is 0.", "half", 0x7fff)
	g.constant("The last bit that stays, moved down.", "one", 1)
	g.constant("The bit that makes a NaN quiet.", "quiet", 0x400000)
	g.constant("The low halves of bytes.", "nibbles", 0x0f0f0f0f)
	g.constant("The sign of bytes.", "signs", 0x80808080)
	g.constant("One in each half.", "ones", 0x00010001)
	g.constant("127 as float32.", "most", 0x42fe0000)
	g.order()
	g.tileConfiguration()
	for _, m := range machines {
		for _, k := range kinds {
			m.columns(g, k)
		}
		m.lineMacro(g)
		m.pairMacro(g)
		m.stepMacros(g)
		m.flushMacro(g)
		for _, size := range m.tileSizes() {
			m.tileStep(g, size[0], size[1], false)
			if m.name == "AVX512" {
				m.tileStep(g, size[0], size[1], true)
			}
		}
	}
	return g
}

// used is the part of the library that a text needs, and what that needs in turn.
func (g *generator) used(text []byte) []byte {
	need := make([]bool, len(g.defined))
	for i := len(need) - 1; i >= 0; i-- { // a definition comes before those that use it
		d := g.defined[i]
		if need[i] = d.use.Match(text); need[i] {
			text = append(bytes.Clone(text), d.text...)
		}
	}
	var out []byte
	for i, d := range g.defined {
		if need[i] {
			out = append(out, d.text...)
		}
	}
	return out
}

// define adds what body writes to the library. use is how it is written where it is used.
func (g *generator) define(use string, body func()) {
	from := g.asm.Len()
	body()
	g.defined = append(g.defined, definition{regexp.MustCompile(`\b` + use), bytes.Clone(g.asm.Bytes()[from:])})
}

// macro defines one, whose instructions body writes. The name goes with its parameters.
func (g *generator) macro(comment, name string, body func()) {
	g.define(regexp.MustCompile(`^\w+`).FindString(name)+`\b`, func() {
		fmt.Fprintf(&g.asm, "// %s\n#define %s \\\n", comment, name)
		g.inMacro = true
		body()
		g.inMacro = false
		g.asm.Truncate(g.asm.Len() - len("; \\\n"))
		g.asm.WriteString("\n\n")
	})
}

// constant defines a register full of one word.
func (g *generator) constant(comment, name string, word uint64) {
	g.define(name+"<>", func() {
		fmt.Fprintf(&g.asm, "// %s\n", comment)
		for i := range 8 {
			fmt.Fprintf(&g.asm, "DATA %s<>+%d(SB)/8, $0x%08[3]x%08[3]x\n", name, 8*i, word)
		}
		fmt.Fprintf(&g.asm, "GLOBL %s<>(SB), RODATA|NOPTR, $64\n\n", name)
	})
}
