package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// function is a function over slices: the engine's form, and the plain Go form that says what it is. Each changes the
// arrays it gets, or returns a number.
type function struct {
	name   string
	arrays int
	got    func(k *Kernels, a [][]float32) float32
	want   func(a [][]float32) float32
}

// eachSet runs a test on the kernels of every set of instructions by name; emulated tells that they are slow.
func eachSet(t *testing.T, f func(t *testing.T, k *Kernels, emulated bool)) {
	own := func(name string) *Kernels {
		for _, s := range Sets() {
			if s.Name == name && s.Available {
				return s.Kernels
			}
		}
		return nil
	}
	kerneltest.Each(t, own, emulated, func(t *testing.T, _ string, k *Kernels, emulated bool) { f(t, k, emulated) })
}

// eachPiece runs f over [0, n) in pieces, on all cores.
func eachPiece(n int, f func(lo, hi int)) {
	var all sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for i := range parts {
		all.Go(func() { f(i*n/parts, (i+1)*n/parts) })
	}
	all.Wait()
}

// changes makes a function that returns nothing one that returns 0.
func changes(f func(k *Kernels, a [][]float32)) func(*Kernels, [][]float32) float32 {
	return func(k *Kernels, a [][]float32) float32 { f(k, a); return 0 }
}

func changesTwin(f func(a [][]float32)) func([][]float32) float32 {
	return func(a [][]float32) float32 { f(a); return 0 }
}

// half is the first half of x, the cosines or sines of a head.
func half(x []float32) []float32 { return x[:len(x)/2] }

var functions = []function{
	{"Add", 3, changes(func(k *Kernels, a [][]float32) { k.Add(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { Add(a[0], a[1], a[2]) })},
	{"Add in place", 2, changes(func(k *Kernels, a [][]float32) { k.Add(a[0], a[0], a[1]) }), changesTwin(func(a [][]float32) { Add(a[0], a[0], a[1]) })},
	{"Scale", 2, changes(func(k *Kernels, a [][]float32) { k.Scale(a[0], a[1], 1.7) }), changesTwin(func(a [][]float32) { Scale(a[0], a[1], 1.7) })},
	{"Scale in place", 1, changes(func(k *Kernels, a [][]float32) { k.Scale(a[0], a[0], -0.3) }), changesTwin(func(a [][]float32) { Scale(a[0], a[0], -0.3) })},
	{"Rotate", 4, changes(func(k *Kernels, a [][]float32) { k.Rotate(a[0], a[1], half(a[2]), half(a[3])) }), changesTwin(func(a [][]float32) { Rotate(a[0], a[1], half(a[2]), half(a[3])) })},
	{"QuickGELU", 2, changes(func(k *Kernels, a [][]float32) { k.QuickGELU(a[0], a[1]) }), changesTwin(func(a [][]float32) { QuickGELU(a[0], a[1]) })},
	{"GELU", 2, changes(func(k *Kernels, a [][]float32) { k.GELU(a[0], a[1]) }), changesTwin(func(a [][]float32) { GELU(a[0], a[1]) })},
	{"SwiGLU", 3, changes(func(k *Kernels, a [][]float32) { k.SwiGLU(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { SwiGLU(a[0], a[1], a[2]) })},
	{"SwiGLU in place", 2, changes(func(k *Kernels, a [][]float32) { k.SwiGLU(a[1], a[0], a[1]) }), changesTwin(func(a [][]float32) { SwiGLU(a[1], a[0], a[1]) })},
	{"QuickGELUBackward", 3, changes(func(k *Kernels, a [][]float32) { k.QuickGELUBackward(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { QuickGELUBackward(a[0], a[1], a[2]) })},
	{"SwiGLUBackward", 5, changes(func(k *Kernels, a [][]float32) { k.SwiGLUBackward(a[0], a[1], a[2], a[3], a[4]) }), changesTwin(func(a [][]float32) { SwiGLUBackward(a[0], a[1], a[2], a[3], a[4]) })},
	{"SwiGLUBackward of one", 4, changes(func(k *Kernels, a [][]float32) { k.SwiGLUBackward(nil, a[0], a[1], a[2], a[3]) }), changesTwin(func(a [][]float32) { SwiGLUBackward(nil, a[0], a[1], a[2], a[3]) })},
	{"Softmax", 1, changes(func(k *Kernels, a [][]float32) { k.Softmax(a[0]) }), changesTwin(func(a [][]float32) { Softmax(a[0]) })},
	{"SoftmaxBackward", 2, changes(func(k *Kernels, a [][]float32) { k.SoftmaxBackward(a[0], a[1]) }), changesTwin(func(a [][]float32) { SoftmaxBackward(a[0], a[1]) })},
	{"scaleMax", 2, changes(func(k *Kernels, a [][]float32) { k.scaleMaxOf(a[0], 0.7, a[1]) }), changesTwin(func(a [][]float32) { scaleMax(a[0], 0.7, a[1]) })},
	{"expSum", 3, changes(func(k *Kernels, a [][]float32) { k.expSumOf(a[0], a[1], a[2]) }), changesTwin(func(a [][]float32) { expSum(a[0], a[1], a[2]) })},
	{"divide", 2, changes(func(k *Kernels, a [][]float32) { k.divideOf(a[0], a[1]) }), changesTwin(func(a [][]float32) { divide(a[0], a[1]) })},
	{"RMSNorm", 3, changes(func(k *Kernels, a [][]float32) { k.RMSNorm(a[0], a[1], a[2], 1e-6) }), changesTwin(func(a [][]float32) { RMSNorm(a[0], a[1], a[2], 1e-6) })},
	{"RMSNorm in place", 2, changes(func(k *Kernels, a [][]float32) { k.RMSNorm(a[0], a[0], a[1], 1e-6) }), changesTwin(func(a [][]float32) { RMSNorm(a[0], a[0], a[1], 1e-6) })},
	{"LayerNorm", 4, changes(func(k *Kernels, a [][]float32) { k.LayerNorm(a[0], a[1], a[2], a[3], 1e-6) }), changesTwin(func(a [][]float32) { LayerNorm(a[0], a[1], a[2], a[3], 1e-6) })},
	{"LayerNorm in place", 3, changes(func(k *Kernels, a [][]float32) { k.LayerNorm(a[0], a[0], a[1], a[2], 1e-6) }), changesTwin(func(a [][]float32) { LayerNorm(a[0], a[0], a[1], a[2], 1e-6) })},
	{"Sum", 1, func(k *Kernels, a [][]float32) float32 { return k.Sum(a[0]) }, func(a [][]float32) float32 { return num.Sum(a[0]) }},
	{"ArgMax", 1, func(k *Kernels, a [][]float32) float32 { return float32(k.ArgMax(a[0])) }, func(a [][]float32) float32 { return float32(num.ArgMax(a[0])) }},
	{"FirstNonFinite", 1, func(k *Kernels, a [][]float32) float32 { return float32(k.FirstNonFinite(a[0])) }, func(a [][]float32) float32 { return float32(num.FirstNonFinite(a[0])) }},
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

// TestKernels: every function over slices gives the plain Go form's bits on every machine, writes nothing else, and reads
// nothing else: around the arrays are NaNs.
func TestKernels(t *testing.T) {
	var lengths []int
	for n := range 71 {
		lengths = append(lengths, n)
	}
	lengths = append(lengths, 1000, 1536)
	eachSet(t, func(t *testing.T, k *Kernels, emulated bool) {
		r := rand.New(rand.NewPCG(21, 22))
		lengths, offsets := lengths, 4
		if emulated {
			lengths, offsets = []int{1, 16, 17, 37, 64}, 1
		}
		for _, c := range functions {
			for _, n := range lengths {
				for _, m := range mixtures {
					for offset := range offsets {
						runCase(t, k, c, n, offset, func() float32 { return m.next(r) }, m.name)
					}
				}
			}
		}
	})
}

func runCase(t *testing.T, k *Kernels, c function, n, offset int, next func() float32, mixture string) {
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
		x, check := kerneltest.Guarded(t, n+offset)
		x = x[offset:]
		for i := range x {
			x[i] = next()
		}
		got, want, checks = append(got, x), append(want, slices.Clone(x)), append(checks, check)
	}
	gotNumber, wantNumber := c.got(k, got), c.want(want)
	if !kerneltest.SameNumbers([]float32{gotNumber}, []float32{wantNumber}) {
		t.Fatalf("%s of %d %s, offset %d: %v, plain Go has %v", c.name, n, mixture, offset, gotNumber, wantNumber)
	}
	for i := range got {
		if !kerneltest.SameNumbers(got[i], want[i]) {
			t.Fatalf("%s of %d %s, offset %d, array %d:\n%v, plain Go has\n%v", c.name, n, mixture, offset, i, got[i], want[i])
		}
		checks[i]()
	}
}

// TestKernelsAgainstPages: the functions touch nothing beside their arrays, which lie against pages without access.
func TestKernelsAgainstPages(t *testing.T) {
	eachSet(t, func(t *testing.T, k *Kernels, emulated bool) {
		r := rand.New(rand.NewPCG(23, 24))
		lengths := []int{1, 15, 16, 17, 31, 32, 33, 63, 64, 65}
		if emulated {
			lengths = []int{33}
		}
		for _, side := range pages.Sides {
			for _, n := range lengths {
				// The functions share the arrays, since mapping them takes longer than all else.
				var got [][]float32
				for range 5 {
					got = append(got, pages.Like(t, side, make([]float32, 2*n)))
				}
				for _, c := range functions {
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
					if g, w := c.got(k, a), c.want(want); g != w || !slices.EqualFunc(a, want, kerneltest.SameNumbers) {
						t.Fatalf("%s of %d at the %s differs from plain Go", c.name, n, side)
					}
				}
			}
		}
	})
}

// TestTablesAreWhole: a set of instructions has all routines or none.
func TestTablesAreWhole(t *testing.T) {
	for _, set := range machineSets() {
		v := reflect.ValueOf(*set.routines)
		for i := range v.NumField() {
			if v.Field(i).IsNil() {
				t.Errorf("%s has no %s", set.Name, v.Type().Field(i).Name)
			}
		}
	}
}

// TestKernelsAllFloats: the polynomials of every machine have the plain Go forms' bits over every float32, or one of a stride:
// LOUPE_EXHAUSTIVE=1 goes through all.
func TestKernelsAllFloats(t *testing.T) {
	stride := uint64(2053) // prime
	if os.Getenv("LOUPE_EXHAUSTIVE") != "" {
		stride = 1
	}
	eachSet(t, func(t *testing.T, k *Kernels, emulated bool) {
		if k.routines == nil {
			t.Skip("plain Go is the reference")
		}
		stride := stride
		if emulated {
			stride = 1<<20 - 3
		}
		const block = 1 << 12
		eachPiece(int((1<<32+stride*block-1)/(stride*block)), func(lo, hi int) {
			x, got, want := make([]float32, block), make([]float32, block), make([]float32, block)
			one := make([]float32, block)
			w := new(scalars)
			for i := range one {
				one[i] = 1
			}
			for b := lo; b < hi; b++ {
				for i := range x {
					x[i] = math.Float32frombits(uint32((uint64(b)*block + uint64(i)) * stride))
					want[i] = num.Exp(x[i])
				}
				k.expSum(block/width, &got[0], &x[0], &w.a, &w.lanes[0])
				if !kerneltest.SameNumbers(got, want) {
					t.Errorf("Exp differs in the block from %v to %v", x[0], x[block-1])
				}
				GELU(want, x)
				k.GELU(got, x)
				if !kerneltest.SameNumbers(got, want) {
					t.Errorf("GELU differs in the block from %v to %v", x[0], x[block-1])
				}
				for i, v := range x {
					want[i] = v * num.Sigmoid(v)
				}
				k.SwiGLU(got, x, one)
				if !kerneltest.SameNumbers(got, want) {
					t.Errorf("Sigmoid differs in the block from %v to %v", x[0], x[block-1])
				}
			}
		})
	})
}

// BenchmarkKernels measures the functions over slices on each set of instructions of this machine, in nanoseconds an element.
func BenchmarkKernels(b *testing.B) {
	for _, c := range functions {
		if strings.HasSuffix(c.name, "in place") { // as fast, but its numbers change from one time to the next
			continue
		}
		for _, set := range Sets() {
			if !set.Available {
				continue
			}
			b.Run(fmt.Sprintf("%s/%s", c.name, set.Name), func(b *testing.B) {
				const n = 1536
				r := rand.New(rand.NewPCG(1, 2))
				a := make([][]float32, c.arrays)
				for i := range a {
					a[i] = make([]float32, n)
					for j := range a[i] {
						a[i][j] = float32(r.NormFloat64())
					}
				}
				for b.Loop() {
					c.got(set.Kernels, a)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
