package main

import (
	"fmt"
	"math"
	"slices"
)

// value is a vector that a program computes.
type value int

// none stands for an operand that an operation does not have.
const none value = -1

// op is one operation on vectors. The methods of program that make one say what it does; its value is its place in the program.
type op struct {
	name    string
	a, b, c value
	stream  string // what a load, store or uniform is of
	bits    uint32 // of a constant, or the distance of a shift
}

// program is the body of a loop: what happens to one vector of each stream.
type program struct {
	ops []op
}

func (p *program) emit(o op) value {
	p.ops = append(p.ops, o)
	return value(len(p.ops) - 1)
}

// load is the next elements of a stream, and store sets them.
func (p *program) load(stream string) value {
	return p.emit(op{name: "load", a: none, b: none, c: none, stream: stream})
}

func (p *program) store(stream string, v value) {
	p.emit(op{name: "store", a: v, b: none, c: none, stream: stream})
}

// uniform is the one number that a pointer points to, in every lane.
func (p *program) uniform(stream string) value {
	return p.emit(op{name: "uniform", a: none, b: none, c: none, stream: stream})
}

// number is a constant in every lane, and word its bits.
func (p *program) number(x float32) value { return p.word(math.Float32bits(x)) }

func (p *program) word(bits uint32) value {
	return p.emit(op{name: "const", a: none, b: none, c: none, bits: bits})
}

// binary is one of
//
//	add, sub, mul, div  of float32, rounded to nearest
//	min                 a < b ? a : b
//	max                 a > b ? a : b
//	iadd, isub          of 32-bit integers
//	and, or             of bits
func (p *program) binary(name string, a, b value) value {
	return p.emit(op{name: name, a: a, b: b, c: none})
}

func (p *program) add(a, b value) value { return p.binary("add", a, b) }
func (p *program) sub(a, b value) value { return p.binary("sub", a, b) }
func (p *program) mul(a, b value) value { return p.binary("mul", a, b) }
func (p *program) div(a, b value) value { return p.binary("div", a, b) }

// shift is shl or shr of each 32-bit word, zeros coming in.
func (p *program) shift(name string, a value, n int) value {
	return p.emit(op{name: name, a: a, b: none, c: none, bits: uint32(n)})
}

// negative is b in lanes where a's sign is set, and c in the others.
func (p *program) negative(a, b, c value) value {
	return p.emit(op{name: "negative", a: a, b: b, c: c})
}

// accumulate sets the lanes l to add(l, v) or max(v, l).
func (p *program) accumulate(name string, v value) {
	p.emit(op{name: "accumulate " + name, a: v, b: none, c: none})
}

// lastUses is the index of the operation that needs each value last.
func (p *program) lastUses() []int {
	last := make([]int, len(p.ops))
	for i, o := range p.ops {
		for _, v := range o.operands() {
			last[v] = i
		}
	}
	return last
}

func (o op) operands() []value {
	var out []value
	for _, v := range []value{o.a, o.b, o.c} {
		if v != none {
			out = append(out, v)
		}
	}
	return out
}

// fixed reports whether the loop does not change o.
func (o op) fixed() bool { return o.key() != "" }

// hasConstants reports whether the function reads the table of constants.
func (f function) hasConstants() bool {
	p := &program{}
	f.body(p)
	return slices.ContainsFunc(p.ops, func(o op) bool { return o.name == "const" })
}

// key names a value that the loop does not change, the same for the same constant or pointer; "" is any other.
func (o op) key() string {
	switch o.name {
	case "uniform":
		return o.stream
	case "const":
		return fmt.Sprintf("%08x", o.bits)
	}
	return ""
}
