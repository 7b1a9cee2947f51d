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

	// sideBySide is how many vectors are computed an operation of each in turn, where their chains of operations are long: the
	// processor looks ahead no further than about two of them. It is 1 where that gains nothing. many is then the loop over so many,
	// and rest goes on from its end with those that are left, if any, by loop.
	sideBySide() int
	many(vectors int)
	rest(vectors int, pointers []int)
	done()

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
	kept := map[string]int{}
	for v, o := range p.ops {
		if _, has := kept[o.key()]; has {
			continue
		}
		switch {
		case o.name == "uniform":
			r := take(&free)
			kept[o.key()] = r
			m.uniform(r, f.pointer(o.stream))
		case o.name == "const" && (len(free) > m.spare() || !p.onlySecond(value(v))):
			r := take(&free)
			kept[o.key()] = r
			m.constant(r, o.bits)
		}
	}
	vectors := elements / m.lanes()
	lanes := f.pointer("lanes")
	var sums []int
	if lanes >= 0 {
		for i := range vectors {
			sums = append(sums, take(&free))
			m.load(sums[i], lanes, i*m.lanes()*4)
		}
	}

	b := body{m: m, f: f, p: p, kept: kept, sums: sums, free: &free, last: p.lastUses()}
	many := p.sideBySide(m, len(free))
	if many > 1 {
		m.many(many)
		b.write(0, many)
		m.rest(many, f.moving())
	}
	m.loop()
	for i := range vectors {
		b.write(i, 1)
	}
	m.again(f.moving())
	if many > 1 {
		m.done()
	}
	for i, r := range sums {
		m.store(r, lanes, i*m.lanes()*4)
	}
	m.end()
}

// sideBySide is how many vectors m computes side by side, their values in so many registers.
func (p *program) sideBySide(m machine, registers int) int {
	const long = 20 // operations
	count, live, most := 0, map[value]bool{}, 0
	last := p.lastUses()
	for v, o := range p.ops {
		if o.fixed() {
			continue
		}
		count++
		live[value(v)] = true
		most = max(most, len(live))
		for _, d := range append(o.operands(), value(v)) {
			if last[d] <= v {
				delete(live, d)
			}
		}
	}
	if count < long {
		return 1
	}
	return max(1, min(m.sideBySide(), registers/most))
}

// body writes the operations on some vectors.
type body struct {
	m    machine
	f    function
	p    *program
	kept map[string]int // registers of what the loop does not change
	sums []int          // registers of the lanes
	free *[]int
	last []int
}

// write writes them for vectors [first, first+count), an operation of each in turn.
func (b body) write(first, count int) {
	regs := make([]map[value]int, count)
	for i := range regs {
		regs[i] = map[value]int{}
	}
	for v, o := range b.p.ops {
		if o.fixed() {
			continue
		}
		for i, r := range regs {
			b.one(value(v), o, first+i, r)
		}
	}
}

// one writes an operation on vector i, whose values are in these registers.
func (b body) one(v value, o op, i int, regs map[value]int) {
	m, f := b.m, b.f
	reg := func(v value) int {
		if r, has := b.kept[b.p.ops[v].key()]; has {
			return r
		}
		return regs[v]
	}
	// The result has another register than the operands, which some lowerings need.
	r := take(b.free)
	regs[v] = r
	at := i * m.lanes() * 4
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
		m.accumulate(strings.TrimPrefix(o.name, "accumulate "), b.sums[i%len(b.sums)], reg(o.a), r)
	default:
		c := b.p.ops[o.b]
		if _, has := b.kept[c.key()]; c.name == "const" && !has {
			m.binaryConstant(o.name, r, reg(o.a), c.bits)
		} else {
			m.binary(o.name, r, reg(o.a), reg(o.b))
		}
	}
	done := append(o.operands(), v)
	slices.Sort(done)
	for _, d := range slices.Compact(done) {
		if r, has := regs[d]; has && b.last[d] <= int(v) {
			*b.free = append(*b.free, r)
			delete(regs, d)
		}
	}
}

// take is a free register.
func take(free *[]int) int {
	r := (*free)[len(*free)-1] // a program that needs too many registers ends here
	*free = (*free)[:len(*free)-1]
	return r
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
