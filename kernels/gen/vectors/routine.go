package main

import (
	"slices"
	"strings"
)

// elements is how many elements of each stream one pass of a routine's loop takes, on every machine: the lanes of reductions.
const elements = 16

// machine is an instruction set. Registers are numbers, pointers are places in a routine's signature.
type machine interface {
	name() string // the end of routines' names
	lanes() int
	registers() int

	begin(f function, signature string) // up to the arguments' loads
	constant(r int, bits uint32)
	uniform(r, pointer int)
	load(r, pointer, offset int)
	store(r, pointer, offset int)
	loop()
	again(pointers []int) // moves these pointers on and goes round
	end()

	// spare is how many registers stay free of constants that are nothing but b of binaries.
	spare() int
	binary(name string, dst, a, b int)
	binaryConstant(name string, dst, a int, bits uint32)
	shift(name string, dst, a, n int)
	negative(dst, a, b, c int)
	accumulate(name string, lanes, v, scratch int)
}

// routine writes the function f for m.
func routine(m machine, f function) {
	p := &program{}
	f.body(p)
	m.begin(f, f.signature())

	// What the loop does not change, and the lanes, keep a register each.
	free := make([]int, m.registers())
	for i := range free {
		free[i] = len(free) - 1 - i
	}
	take := func() int {
		r := free[len(free)-1] // a program that needs too many registers ends here
		free = free[:len(free)-1]
		return r
	}
	kept := map[string]int{}
	for v, o := range p.ops {
		if _, has := kept[o.key()]; has {
			continue
		}
		switch {
		case o.name == "uniform":
			r := take()
			kept[o.key()] = r
			m.uniform(r, f.pointer(o.stream))
		case o.name == "const" && (len(free) > m.spare() || !p.onlySecond(value(v))):
			r := take()
			kept[o.key()] = r
			m.constant(r, o.bits)
		}
	}
	vectors := elements / m.lanes()
	lanes := f.pointer("lanes")
	var sums []int
	if lanes >= 0 {
		for i := range vectors {
			sums = append(sums, take())
			m.load(sums[i], lanes, i*m.lanes()*4)
		}
	}

	m.loop()
	last := p.lastUses()
	for i := range vectors {
		at := i * m.lanes() * 4
		regs := map[value]int{}
		reg := func(v value) int {
			if r, has := kept[p.ops[v].key()]; has {
				return r
			}
			return regs[v]
		}
		for v, o := range p.ops {
			v := value(v)
			if o.name == "const" || o.name == "uniform" {
				continue
			}
			// The result has another register than the operands, which some lowerings need.
			r := take()
			regs[v] = r
			switch o.name {
			case "load":
				m.load(r, f.pointer(o.stream), at)
			case "store":
				m.store(reg(o.a), f.pointer(o.stream), at)
			case "shl", "shr":
				m.shift(o.name, r, reg(o.a), int(o.bits))
			case "negative":
				m.negative(r, reg(o.a), reg(o.b), reg(o.c))
			case "accumulate add", "accumulate max":
				m.accumulate(strings.TrimPrefix(o.name, "accumulate "), sums[i], reg(o.a), r)
			default:
				c := p.ops[o.b]
				if _, has := kept[c.key()]; c.name == "const" && !has {
					m.binaryConstant(o.name, r, reg(o.a), c.bits)
				} else {
					m.binary(o.name, r, reg(o.a), reg(o.b))
				}
			}
			done := append(o.operands(), v)
			slices.Sort(done)
			for _, d := range slices.Compact(done) {
				if r, has := regs[d]; has && last[d] <= int(v) {
					free = append(free, r)
					delete(regs, d)
				}
			}
		}
	}
	m.again(f.moving())
	for i, r := range sums {
		m.store(r, lanes, i*m.lanes()*4)
	}
	m.end()
}

// onlySecond reports whether the constant's bits are nothing but second operands of binaries.
func (p *program) onlySecond(v value) bool {
	for _, o := range p.ops {
		for _, used := range o.operands() {
			second := used == o.b && o.c == none
			if p.ops[used].name == "const" && p.ops[used].bits == p.ops[v].bits && !second {
				return false
			}
		}
	}
	return true
}

// pointer is the place of a stream among the pointers, or -1.
func (f function) pointer(stream string) int {
	return slices.IndexFunc(f.streams, func(s string) bool { return strings.TrimPrefix(s, "=") == stream })
}

// moving are the pointers that go by.
func (f function) moving() []int {
	var out []int
	for i, s := range f.streams {
		if s != "lanes" && s[0] != '=' {
			out = append(out, i)
		}
	}
	return out
}

// signature is that of the routine in Go.
func (f function) signature() string {
	return "(n int, " + strings.ReplaceAll(strings.Join(f.streams, ", "), "=", "") + " *float32)"
}
