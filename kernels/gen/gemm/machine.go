package main

import (
	"fmt"
	"regexp"
	"strings"
)

// machine is an instruction set.
type machine struct {
	name  string // the end of routines' names
	reg   string // letter of the widest registers
	lanes int    // float32 numbers in one
	last  int    // number of the last register
	mr    int    // rows of a tile; its columns are two registers
	// groups is how many registers of outputs a gemvRows routine has, by its rows: chains to hide the latency of fma. One row of AVX-512
	// would go faster with two from the cache, but from memory, for which it is there, few rows side by side are faster.
	groups map[int]int
}

var machines = []machine{
	{name: "AVX2", reg: "Y", lanes: 8, last: 15, mr: 6, groups: map[int]int{1: 2, 2: 2, 4: 2, 8: 1}},
	{name: "AVX512", reg: "Z", lanes: 16, last: 31, mr: 12, groups: map[int]int{1: 1, 2: 1, 4: 1, 8: 1}},
}

// kind is how weights are stored.
type kind struct {
	name  string
	bytes int
	steps int // steps of k in the 16 bytes (8 of halves) that one load of a row takes
}

var (
	bf16  = kind{"BF16", 2, 8}
	kinds = []kind{{"F32", 4, 4}, bf16, {"F16", 2, 4}}
)

// emulated and paired are bfloat16 weights for products of bfloat16: widened, with the two steps of a pair emulated, for FMA; or in pairs, for
// the dot-product instruction.
var (
	emulated = kind{"Emulated", 2, 8}
	paired   = kind{"Dot", 2, 8}
)

// chunk is the bytes of a row that one load takes.
func (k kind) chunk() int { return k.bytes * k.steps }

// elements is how many elements of x go with these steps, four bytes each.
func (k kind) elements() int {
	if k == paired {
		return k.steps / 2
	}
	return k.steps
}

// line is how many elements of x go with a cache line of a row.
func (k kind) line() int { return 64 / k.chunk() * k.elements() }

func (m machine) r(n int) string { return fmt.Sprintf("%s%d", m.reg, n) }

func (m machine) bytes() int { return 4 * m.lanes }

// zero clears a register.
func (m machine) zero(g *generator, n int) {
	if m.name == "AVX512" {
		g.op("VPXORQ %[1]s, %[1]s, %[1]s", m.r(n))
	} else {
		g.op("VXORPS %[1]s, %[1]s, %[1]s", m.r(n))
	}
}

func (m machine) and(g *generator, mem, a, b string) {
	if m.name == "AVX512" {
		g.op("VPANDD %s, %s, %s", mem, a, b)
	} else {
		g.op("VPAND %s, %s, %s", mem, a, b)
	}
}

// quads are the registers that hold addresses of rows 0, 4, 8 and 12 of a group; DX is the distance between rows, R8 three
// times that.
var quads = []string{"BX", "DI", "AX", "R15"}

// quadRows are the offsets of a quad's four rows.
var quadRows = []string{"", "(DX*1)", "(DX*2)", "(R8*1)"}

// point sets the quads from the first.
func (m machine) point(g *generator) {
	for q := 1; q < m.lanes/4; q++ {
		g.op("LEAQ (%s)(DX*4), %s", quads[q-1], quads[q])
	}
}

// next moves the first quad to the next group.
func (m machine) next(g *generator) { g.op("LEAQ (%s)(DX*4), BX", quads[m.lanes/4-1]) }

// pairMacro defines the widening of a pair of bfloat16.
func (m machine) pairMacro(g *generator) {
	g.macro("The weights of a pair of bfloat16 in register c, widened.", "PAIR_"+m.name+"(c, lo, hi)", func() {
		g.op("VPSLLD $16, c, lo")
		m.and(g, "high<>(SB)", "c", "hi")
	})
}

// stepMacros define one step of k, for each number of rows.
func (m machine) stepMacros(g *generator) {
	for _, rows := range []int{1, 2, 4, 8} {
		name, parameters := fmt.Sprintf("STEP%d_%s", rows, m.name), "at, w"
		for r := range rows {
			parameters += fmt.Sprintf(", a%d", r)
		}
		g.macro("One step of k: the outputs of each row of x take the product of its element and the weights w.", name+"("+parameters+")", func() {
			for r := range rows {
				from := fmt.Sprintf("(at)(%s)%s", []string{"SI", "R14"}[r/4], []string{"", "(R10*1)", "(R10*2)", "(R11*1)"}[r%4])
				if m.name == "AVX512" {
					g.op("VFMADD231PS.BCST %s, w, a%d", from, r) // faster by a half than by way of a register
					continue
				}
				g.op("VBROADCASTSS %s, %s", from, m.r(6+r%2))
				g.op("VFMADD231PS w, %s, a%d", m.r(6+r%2), r)
			}
		})
	}
}

// columns defines the macro that loads 16 bytes (8 of halves) at an offset of each row of a group and transposes them, so that
// registers 0 to 3 hold a word of every row: four steps of k of float32, or four pairs of bfloat16. It uses registers 0 to 7.
//
// A register takes its rows 16 bytes a lane: rows 0, 4, 8, 12 in the first, rows 1, 5, 9, 13 in the second and so on. Two
// rounds of unpacking within the lanes then give the columns.
func (m machine) columns(g *generator, k kind) {
	g.macro(fmt.Sprintf("%d bytes of each row of a group, transposed: registers 0 to 3 hold a word of every row.", k.chunk()), m.columnsName(k)+"(at)", func() {
		for i, row := range quadRows {
			for q := range m.lanes / 4 {
				from := fmt.Sprintf("(at)(%s)%s", quads[q], row)
				if k.name == "F16" {
					to := fmt.Sprintf("X%d", i)
					if q > 0 {
						to = fmt.Sprintf("X%d", 4+q)
					}
					g.op("VCVTPH2PS %s, %s", from, to)
					from = to
				}
				switch {
				case q == 0 && k.name != "F16":
					g.op("VMOVUPS %s, X%d", from, i)
				case q > 0 && m.name == "AVX512":
					g.op("VINSERTF32X4 $%d, %s, %s, %s", q, from, m.r(i), m.r(i))
				case q > 0:
					g.op("VINSERTF128 $%d, %s, %s, %s", q, from, m.r(i), m.r(i))
				}
			}
		}
		m.transposeLanes(g, [4]string{m.r(0), m.r(1), m.r(2), m.r(3)}, 4)
	})
}

// transposeLanes transposes the four words of each lane of 16 bytes of four registers, by way of four more from temp on.
func (m machine) transposeLanes(g *generator, r [4]string, temp int) {
	for i := range 2 {
		g.op("VUNPCKLPS %s, %s, %s", r[2*i+1], r[2*i], m.r(temp+2*i))
		g.op("VUNPCKHPS %s, %s, %s", r[2*i+1], r[2*i], m.r(temp+2*i+1))
	}
	for i := range 2 {
		g.op("VUNPCKLPD %s, %s, %s", m.r(temp+2+i), m.r(temp+i), r[2*i])
		g.op("VUNPCKHPD %s, %s, %s", m.r(temp+2+i), m.r(temp+i), r[2*i+1])
	}
}

func (m machine) columnsName(k kind) string {
	if k.rounds() {
		k.name = "BF16"
	}
	return "COLUMNS_" + k.name + "_" + m.name
}

// steps loads the columns that begin with byte at of each row, and calls f for each step of k that they hold, with the register of
// its weights.
func (m machine) steps(g *generator, k kind, at int, f func(step, register int)) {
	g.op("%s(%d)", m.columnsName(k), at)
	for c := range 4 {
		m.word(g, k, c, c, 4, 5, f)
	}
}

// word calls f for each step of k that word n of a transposed chunk holds, with the register of its weights. The word is in
// register c; bfloat16 weights are widened into registers low and high.
func (m machine) word(g *generator, k kind, n, c, low, high int, f func(step, register int)) {
	if k.rounds() {
		g.op("FLUSH_%s(%s)", m.name, m.r(c))
	}
	m.flushed(g, k, n, c, low, high, f)
}

// flushed is word, of a word in which nothing is to be rounded to 0 any more.
func (m machine) flushed(g *generator, k kind, n, c, low, high int, f func(step, register int)) {
	if k == emulated || k.name == "BF16" {
		g.op("PAIR_%s(%s, %s, %s)", m.name, m.r(c), m.r(low), m.r(high))
	}
	k.eachStep(n, c, low, high, f)
}

// rounds reports whether weights of k go through roundWeight.
func (k kind) rounds() bool { return k == emulated || k == paired }

// eachStep calls f for each step of k that word n of a transposed chunk holds, with the register of its weights: c, or of bfloat16
// that is widened low and high.
func (k kind) eachStep(n, c, low, high int, f func(step, register int)) {
	switch {
	case k == emulated:
		f(2*n, high)
		f(2*n+1, low)
	case k.name == "BF16":
		f(2*n, low)
		f(2*n+1, high)
	default:
		f(n, c)
	}
}

// parameters are the names in a signature, in order.
func parameters(signature string) []string {
	var out []string
	for _, part := range strings.Split(strings.Trim(signature, "()"), ",") {
		out = append(out, regexp.MustCompile(`\w+`).FindString(part))
	}
	return out
}

// comment makes a text a comment.
func comment(text string) string {
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !strings.HasPrefix(line, "\t") && line != "" {
			line = " " + line
		}
		out.WriteString("//" + line + "\n")
	}
	return out.String()
}
