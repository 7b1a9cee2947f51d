package tour

import (
	"context"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/loupe-vl/loupe/vit/picture"
)

// TestResizeFormula computes sizes by the formula of the page, as it is printed, and holds them to what loupe does, over small,
// large, long and thin pictures and several limits; and the sentence on thin pictures to the same.
func TestResizeFormula(t *testing.T) {
	steps, err := Walk(context.Background(), embeddedRun(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(steps[0].Formula, "\n")
	if len(lines) != 3 {
		t.Fatalf("the formula has %d lines, want 3:\n%s", len(lines), steps[0].Formula)
	}
	for _, limits := range [][2]int{{3136, 15680}, {3136, 12845056}, {100352, 100352}, {50176, 1003520}} {
		for _, h := range []int{1, 10, 14, 17, 28, 42, 70, 112, 585, 1400, 3399, 5000} {
			for _, w := range []int{1, 10, 14, 17, 28, 42, 70, 112, 585, 1400, 3399, 5000} {
				wantH, wantW, err := picture.SmartResize(h, w, 28, limits[0], limits[1])
				if err != nil {
					continue // one side is more than 200 times the other
				}
				gotH, gotW := byFormula(t, lines, h, w, limits)
				if gotH != wantH || gotW != wantW {
					t.Errorf("%d x %d within %v: the page's formula gives %d x %d, loupe %d x %d", w, h, limits, gotW, gotH, wantW, wantH)
				}
			}
		}
	}
	if !strings.Contains(steps[0].Why, "585 x 17 pixels become 728 x 28, which are 20384") {
		t.Errorf("of a thin picture the page says: %s", steps[0].Why)
	}
}

// byFormula is the size that the lines of the page's formula give.
func byFormula(t *testing.T, lines []string, h, w int, limits [2]int) (height, width int) {
	t.Helper()
	vars := map[string]float64{"height": float64(h), "width": float64(w), "least": float64(limits[0]), "most": float64(limits[1])}
	eval := func(text string) float64 { return (&formula{t: t, vars: vars, rest: []rune(text)}).whole() }
	assign := func(text string) { // height' = ..., and width' likewise
		name, value, ok := strings.Cut(text, " = ")
		if !ok || strings.TrimSpace(name) != "height'" {
			t.Fatalf("%q sets no height", text)
		}
		a := eval(value)
		vars["width'"] = eval(strings.ReplaceAll(value, "height", "width"))
		vars["height'"] = a
	}
	first, _, _ := strings.Cut(lines[0], "width' likewise")
	assign(first)
	for _, line := range lines[1:] {
		line = strings.TrimPrefix(line, "else ")
		condition, then, _ := strings.Cut(strings.TrimPrefix(line, "if "), ":")
		large, limit, above := strings.Cut(condition, ">")
		if !above {
			large, limit, _ = strings.Cut(condition, "<")
		}
		if a, b := eval(large), eval(limit); above && a <= b || !above && a >= b {
			continue
		}
		beta, size, _ := strings.Cut(then, ",  ")
		_, value, _ := strings.Cut(beta, "=")
		vars["β"] = eval(value)
		assign(size)
		break // "else"
	}
	return int(vars["height'"]), int(vars["width'"])
}

// formula evaluates what the page prints: products, quotients, roots, floors, ceilings, round and max.
type formula struct {
	t    *testing.T
	vars map[string]float64
	rest []rune
}

func (f *formula) peek() rune {
	for len(f.rest) > 0 && unicode.IsSpace(f.rest[0]) {
		f.rest = f.rest[1:]
	}
	if len(f.rest) == 0 {
		return 0
	}
	return f.rest[0]
}

func (f *formula) want(r rune) {
	if f.peek() != r {
		f.t.Fatalf("want %q at %q", r, string(f.rest))
	}
	f.rest = f.rest[1:]
}

func (f *formula) whole() float64 {
	v := f.product()
	if f.peek() != 0 {
		f.t.Fatalf("%q is left of a formula", string(f.rest))
	}
	return v
}

func (f *formula) product() float64 {
	v := f.factor()
	for {
		switch f.peek() {
		case '·':
			f.rest = f.rest[1:]
			v *= f.factor()
		case '/':
			f.rest = f.rest[1:]
			v /= f.factor()
		default:
			return v
		}
	}
}

func (f *formula) factor() float64 {
	closed := func(end rune, do func(float64) float64) float64 {
		f.rest = f.rest[1:]
		v := f.product()
		f.want(end)
		return do(v)
	}
	switch f.peek() {
	case '(':
		return closed(')', func(v float64) float64 { return v })
	case '⌊':
		return closed('⌋', math.Floor)
	case '⌈':
		return closed('⌉', math.Ceil)
	case '√':
		f.rest = f.rest[1:]
		return math.Sqrt(f.factor())
	}
	n := 0
	for n < len(f.rest) && (unicode.IsLetter(f.rest[n]) || unicode.IsDigit(f.rest[n]) || f.rest[n] == '\'') {
		n++
	}
	name := string(f.rest[:n])
	f.rest = f.rest[n:]
	switch name {
	case "round":
		return math.RoundToEven(f.factor())
	case "max":
		f.want('(')
		a := f.product()
		f.want(',')
		b := f.product()
		f.want(')')
		return math.Max(a, b)
	}
	if v, ok := f.vars[name]; ok {
		return v
	}
	v, err := strconv.ParseFloat(name, 64)
	if err != nil {
		f.t.Fatalf("%q stands for nothing", name)
	}
	return v
}

// TestWordsAreDefined: a word of the field that a step's formula or text needs is said what it is, in the first step that has it.
func TestWordsAreDefined(t *testing.T) {
	steps, err := Walk(context.Background(), embeddedRun(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for word, definition := range map[string]string{"query": "a *query*, which asks", "key": "a *key*, which the queries of all patches are compared with", "value": "a *value*, which is what a patch hands on", "GELU": "GELU between, which lets large numbers pass", "gelu": "gelu(z) = z · Φ(z)"} {
		for _, s := range steps {
			all := s.Text + s.Formula
			if strings.Contains(all, word) {
				if !strings.Contains(all, definition) {
					t.Errorf("step %s is the first with %q, and does not say what it is", s.ID, word)
				}
				break
			}
		}
	}
}
