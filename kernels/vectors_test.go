package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
)

// vectorCase is a function over slices: the engine's form, and the plain Go form that says what it is. Each changes the
// arrays it gets, or returns a number.
type vectorCase struct {
	name   string
	arrays int
	got    func(e *Engine, a [][]float32) float32
	want   func(a [][]float32) float32
}

// changes makes a function that returns nothing one that returns 0.
func changes(f func(e *Engine, a [][]float32)) func(*Engine, [][]float32) float32 {
	return func(e *Engine, a [][]float32) float32 { f(e, a); return 0 }
}

func changesTwin(f func(a [][]float32)) func([][]float32) float32 {
	return func(a [][]float32) float32 { f(a); return 0 }
}

// half is the first half of x, the cosines or sines of a head.
func half(x []float32) []float32 { return x[:len(x)/2] }

var vectorCases = []vectorCase{
	{"Add", 3, changes(func(e *Engine, a [][]float32) { e.Add(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { Add(a[0], a[1], a[2]) })},
	{"Add in place", 2, changes(func(e *Engine, a [][]float32) { e.Add(a[0], a[0], a[1]) }), changesTwin(func(a [][]float32) { Add(a[0], a[0], a[1]) })},
	{"Scale", 2, changes(func(e *Engine, a [][]float32) { e.Scale(a[0], a[1], 1.7) }), changesTwin(func(a [][]float32) { Scale(a[0], a[1], 1.7) })},
	{"Scale in place", 1, changes(func(e *Engine, a [][]float32) { e.Scale(a[0], a[0], -0.3) }), changesTwin(func(a [][]float32) { Scale(a[0], a[0], -0.3) })},
	{"Rotate", 4, changes(func(e *Engine, a [][]float32) { e.Rotate(a[0], a[1], half(a[2]), half(a[3])) }), changesTwin(func(a [][]float32) { Rotate(a[0], a[1], half(a[2]), half(a[3])) })},
	{"QuickGELU", 2, changes(func(e *Engine, a [][]float32) { e.QuickGELU(a[0], a[1]) }), changesTwin(func(a [][]float32) { QuickGELU(a[0], a[1]) })},
	{"GELU", 2, changes(func(e *Engine, a [][]float32) { e.GELU(a[0], a[1]) }), changesTwin(func(a [][]float32) { GELU(a[0], a[1]) })},
	{"SwiGLU", 3, changes(func(e *Engine, a [][]float32) { e.SwiGLU(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { SwiGLU(a[0], a[1], a[2]) })},
	{"SwiGLU in place", 2, changes(func(e *Engine, a [][]float32) { e.SwiGLU(a[1], a[0], a[1]) }), changesTwin(func(a [][]float32) { SwiGLU(a[1], a[0], a[1]) })},
	{"QuickGELUBackward", 3, changes(func(e *Engine, a [][]float32) { e.QuickGELUBackward(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { QuickGELUBackward(a[0], a[1], a[2]) })},
	{"SwiGLUBackward", 5, changes(func(e *Engine, a [][]float32) { e.SwiGLUBackward(a[0], a[1], a[2], a[3], a[4]) }), changesTwin(func(a [][]float32) { SwiGLUBackward(a[0], a[1], a[2], a[3], a[4]) })},
	{"SwiGLUBackward of one", 4, changes(func(e *Engine, a [][]float32) { e.SwiGLUBackward(nil, a[0], a[1], a[2], a[3]) }), changesTwin(func(a [][]float32) { SwiGLUBackward(nil, a[0], a[1], a[2], a[3]) })},
	{"Softmax", 1, changes(func(e *Engine, a [][]float32) { e.Softmax(a[0]) }), changesTwin(func(a [][]float32) { Softmax(a[0]) })},
	{"SoftmaxBackward", 2, changes(func(e *Engine, a [][]float32) { e.SoftmaxBackward(a[0], a[1]) }), changesTwin(func(a [][]float32) { SoftmaxBackward(a[0], a[1]) })},
	{"scaleMaximum", 2, changes(func(e *Engine, a [][]float32) { e.scaleMaximum(a[0], 0.7, a[1]) }), changesTwin(func(a [][]float32) { scaleMaximum(a[0], 0.7, a[1]) })},
	{"exponentsOf", 3, changes(func(e *Engine, a [][]float32) { e.exponentsOf(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { exponentsOf(a[0], a[1], a[2]) })},
	{"quotients", 2, changes(func(e *Engine, a [][]float32) { e.quotients(a[0], a[1]) }), changesTwin(func(a [][]float32) { quotients(a[0], a[1]) })},
	{"RMSNorm", 3, changes(func(e *Engine, a [][]float32) { e.RMSNorm(a[0], a[1], a[2], 1e-6) }), changesTwin(func(a [][]float32) { RMSNorm(a[0], a[1], a[2], 1e-6) })},
	{"RMSNorm in place", 2, changes(func(e *Engine, a [][]float32) { e.RMSNorm(a[0], a[0], a[1], 1e-6) }), changesTwin(func(a [][]float32) { RMSNorm(a[0], a[0], a[1], 1e-6) })},
	{"LayerNorm", 4, changes(func(e *Engine, a [][]float32) { e.LayerNorm(a[0], a[1], a[2], a[3], 1e-6) }), changesTwin(func(a [][]float32) { LayerNorm(a[0], a[1], a[2], a[3], 1e-6) })},
	{"LayerNorm in place", 3, changes(func(e *Engine, a [][]float32) { e.LayerNorm(a[0], a[0], a[1], a[2], 1e-6) }), changesTwin(func(a [][]float32) { LayerNorm(a[0], a[0], a[1], a[2], 1e-6) })},
	{"Sum", 1, func(e *Engine, a [][]float32) float32 { return e.Sum(a[0]) }, func(a [][]float32) float32 { return Sum(a[0]) }},
	{"ArgMax", 1, func(e *Engine, a [][]float32) float32 { return float32(e.ArgMax(a[0])) }, func(a [][]float32) float32 { return float32(ArgMax(a[0])) }},
	{"FirstNonFinite", 1, func(e *Engine, a [][]float32) float32 { return float32(e.FirstNonFinite(a[0])) }, func(a [][]float32) float32 { return float32(FirstNonFinite(a[0])) }},
}

// specials are where functions change their ways.
var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0x1p-149, -0x1p-149, 0x1p-126, -0x1.fffffcp-127, 88.7, 88.8, 89.5, -87.4, -103.9, -104.1, -200, 0x1p23, -0x1p24,
	math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0x7f800001), math.Float32frombits(0xffc12345),
}

// mixtures are what the arrays of a case hold.
var mixtures = []struct {
	name string
	next func(r *rand.Rand) float32
}{
	{"ordinary", func(r *rand.Rand) float32 { return float32(4 * r.NormFloat64()) }},
	{"finite", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32() & 0xbfffffff) }}, // up to 2
	{"integers", func(r *rand.Rand) float32 { return float32(r.IntN(7) - 3) }},
	{"few specials", func(r *rand.Rand) float32 {
		if r.IntN(40) == 0 {
			return specials[r.IntN(len(specials))]
		}
		return float32(r.NormFloat64())
	}},
	{"specials", func(r *rand.Rand) float32 { return specials[r.IntN(len(specials))] }},
}

// sameNumbers is sameBits, but that one NaN is like another.
func sameNumbers(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x != x && y != y || math.Float32bits(x) == math.Float32bits(y) })
}

// TestVectors: every function over slices gives the plain Go form's bits on every path, writes nothing else, and reads
// nothing else: around the arrays are NaNs.
func TestVectors(t *testing.T) {
	var lengths []int
	for n := range 71 {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, 1000, 1536)
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name, Threads: 1})
		r := rand.New(rand.NewPCG(21, 22))
		lengths, offsets := lengths, 4
		if borrowed != nil {
			lengths, offsets = []int{1, 16, 17, 37, 64}, 1
		}
		for _, c := range vectorCases {
			for _, n := range lengths {
				for _, m := range mixtures {
					for offset := range offsets {
						runVectorCase(t, e, c, n, offset, func() float32 { return m.next(r) }, m.name)
					}
				}
			}
		}
	})
}

func runVectorCase(t *testing.T, e *Engine, c vectorCase, n, offset int, next func() float32, mixture string) {
	t.Helper()
	if n == 0 && c.name == "ArgMax" {
		return // has no answer
	}
	if c.name == "Rotate" {
		n *= 2
	}
	var got, want [][]float32
	var checks []func()
	for range c.arrays {
		x, check := guarded(t, n+offset)
		x = x[offset:]
		for i := range x {
			x[i] = next()
		}
		got, want, checks = append(got, x), append(want, slices.Clone(x)), append(checks, check)
	}
	gotNumber, wantNumber := c.got(e, got), c.want(want)
	if !sameNumbers([]float32{gotNumber}, []float32{wantNumber}) {
		t.Fatalf("%s of %d %s, offset %d: %v, plain Go has %v", c.name, n, mixture, offset, gotNumber, wantNumber)
	}
	for i := range got {
		if !sameNumbers(got[i], want[i]) {
			t.Fatalf("%s of %d %s, offset %d, array %d:\n%v, plain Go has\n%v", c.name, n, mixture, offset, i, got[i], want[i])
		}
		checks[i]()
	}
}

// TestVectorsAgainstPages: the functions touch nothing beside their arrays, which lie against pages without access.
func TestVectorsAgainstPages(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name, Threads: 1})
		r := rand.New(rand.NewPCG(23, 24))
		lengths := []int{1, 15, 16, 17, 31, 32, 33, 63, 64, 65}
		if borrowed != nil {
			lengths = []int{33}
		}
		for _, side := range pages.Sides {
			for _, n := range lengths {
				// The functions share the arrays, since mapping them takes longer than all else.
				var got [][]float32
				for range 5 {
					got = append(got, pages.Like(t, side, make([]float32, 2*n)))
				}
				for _, c := range vectorCases {
					var a, want [][]float32
					for _, x := range got[:c.arrays] {
						switch {
						case c.name == "Rotate":
						case side == pages.AtTail:
							x = x[n:]
						default:
							x = x[:n]
						}
						for j := range x {
							x[j] = float32(r.NormFloat64())
						}
						a, want = append(a, x), append(want, slices.Clone(x))
					}
					if g, w := c.got(e, a), c.want(want); g != w || !slices.EqualFunc(a, want, sameNumbers) {
						t.Fatalf("%s of %d at the %s differs from plain Go", c.name, n, side)
					}
				}
			}
		}
	})
}

// TestVectorTablesAreWhole: a path has all routines or none.
func TestVectorTablesAreWhole(t *testing.T) {
	for _, p := range paths() {
		if p.vec == nil {
			if p.name != "generic" {
				t.Errorf("%s has no routines", p.name)
			}
			continue
		}
		v := reflect.ValueOf(*p.vec)
		for i := range v.NumField() {
			if v.Field(i).IsNil() {
				t.Errorf("%s has no %s", p.name, v.Type().Field(i).Name)
			}
		}
	}
}

// TestVectorsAllFloats: the polynomials of every path have the plain Go forms' bits over every float32, or one of a stride:
// LOUPE_EXHAUSTIVE=1 goes through all.
func TestVectorsAllFloats(t *testing.T) {
	stride := uint64(2053) // prime
	if os.Getenv("LOUPE_EXHAUSTIVE") != "" {
		stride = 1
	}
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name})
		if e.path.vec == nil {
			t.Skip("plain Go is the reference")
		}
		stride := stride
		if borrowed != nil {
			stride = 1<<20 - 3
		}
		const block = 1 << 12
		e.For(int((1<<32+stride*block-1)/(stride*block)), 1, func(lo, hi int) {
			x, got, want := make([]float32, block), make([]float32, block), make([]float32, block)
			one := make([]float32, block)
			w := new(scalars)
			for i := range one {
				one[i] = 1
			}
			for b := lo; b < hi; b++ {
				for i := range x {
					x[i] = math.Float32frombits(uint32((uint64(b)*block + uint64(i)) * stride))
					want[i] = Exp(x[i])
				}
				e.path.vec.exponents(block/width, &got[0], &x[0], &w.a, &w.lanes[0])
				if !sameNumbers(got, want) {
					t.Errorf("Exp differs in the block from %v to %v", x[0], x[block-1])
				}
				GELU(want, x)
				e.GELU(got, x)
				if !sameNumbers(got, want) {
					t.Errorf("GELU differs in the block from %v to %v", x[0], x[block-1])
				}
				for i, v := range x {
					want[i] = v * Sigmoid(v)
				}
				e.SwiGLU(got, x, one)
				if !sameNumbers(got, want) {
					t.Errorf("Sigmoid differs in the block from %v to %v", x[0], x[block-1])
				}
			}
		})
	})
}

// BenchmarkVectors measures the functions over slices on each path of this machine, in nanoseconds an element.
func BenchmarkVectors(b *testing.B) {
	for _, c := range vectorCases {
		if strings.HasSuffix(c.name, "in place") { // as fast, but its numbers change from one time to the next
			continue
		}
		for _, p := range paths() {
			if !p.available {
				continue
			}
			b.Run(fmt.Sprintf("%s/%s", c.name, p.name), func(b *testing.B) {
				const n = 1536
				e := engine(b, Options{Kernels: p.name, Threads: 1})
				r := rand.New(rand.NewPCG(1, 2))
				a := make([][]float32, c.arrays)
				for i := range a {
					a[i] = make([]float32, n)
					for j := range a[i] {
						a[i][j] = float32(r.NormFloat64())
					}
				}
				for b.Loop() {
					c.got(e, a)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
