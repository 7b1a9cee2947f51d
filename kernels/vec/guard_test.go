package vec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	pages "github.com/loupe-vl/loupe/kernels/internal/guard"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// call runs one kernel on n elements. in is a read-only operand and work one that is written (both with what they hold),
// each from the buffers of the test.
type call func(n int, in func() []float32, work func() []float32)

// buffers hands out the operands of a call, the same numbers each time, and remembers them.
type buffers struct {
	n      int
	rand   *rand.Rand
	place  func([]float32) []float32
	inputs [][2][]float32 // what was given, and what it held
	works  [][]float32
}

func newBuffers(n int, place func([]float32) []float32) *buffers {
	return &buffers{n: n, rand: rand.New(rand.NewPCG(9, uint64(n))), place: place}
}

func (b *buffers) next() []float32 {
	x := make([]float32, b.n)
	for i := range x {
		x[i] = float32(b.rand.NormFloat64())
	}
	return x
}

func (b *buffers) in() []float32 {
	x := b.next()
	given := b.place(x)
	b.inputs = append(b.inputs, [2][]float32{given, x})
	return given
}

func (b *buffers) work() []float32 {
	given := b.place(b.next())
	b.works = append(b.works, given)
	return given
}

// check compares what a call left in the buffers with what it left in ordinary ones.
func (b *buffers) check(t *testing.T, want *buffers) {
	t.Helper()
	for i, in := range b.inputs {
		if !kerneltest.SameBits(in[0], in[1]) {
			t.Errorf("operand %d was changed", i)
		}
	}
	for i, got := range b.works {
		if !kerneltest.SameBits(got, want.works[i]) {
			t.Errorf("result %d has other bits than on an ordinary slice", i)
		}
	}
}

// one keeps the result of a kernel that returns a number.
func one(work func() []float32, v float32) { work()[0] = v }

// TestGuardedFunctions runs every function over slices with its operands against pages without access, before and after,
// and among NaNs: a read too far faults or makes a NaN, a write too far faults or changes one.
func TestGuardedFunctions(t *testing.T) {
	for _, f := range []struct {
		name string
		call call
	}{
		{"Softmax", func(_ int, _, work func() []float32) { Softmax(work()) }},
		{"RMSNorm", func(_ int, in, work func() []float32) { RMSNorm(work(), in(), in(), 1e-6) }},
		{"RMSNorm in place", func(_ int, in, work func() []float32) { x := work(); RMSNorm(x, x, in(), 1e-6) }},
		{"LayerNorm", func(_ int, in, work func() []float32) { LayerNorm(work(), in(), in(), in(), 1e-6) }},
		{"LayerNorm in place", func(_ int, in, work func() []float32) { x := work(); LayerNorm(x, x, in(), in(), 1e-6) }},
		{"QuickGELU", func(_ int, in, work func() []float32) { QuickGELU(work(), in()) }},
		{"GELU", func(_ int, in, work func() []float32) { GELU(work(), in()) }},
		{"SwiGLU", func(_ int, in, work func() []float32) { SwiGLU(work(), in(), in()) }},
		{"Add", func(_ int, in, work func() []float32) { Add(work(), in(), in()) }},
		{"Add in place", func(_ int, in, work func() []float32) { x := work(); Add(x, x, in()) }},
		{"Scale", func(_ int, in, work func() []float32) { Scale(work(), in(), 1.7) }},
		{"Scale in place", func(_ int, in, work func() []float32) { x := work(); Scale(x, x, 1.7) }},
		{"Rotate", func(n int, in, work func() []float32) {
			h := n / 2
			dst, x, cos, sin := work(), in(), in(), in()
			Rotate(dst[n-2*h:], x[n-2*h:], cos[n-h:], sin[:h])
			Rotate(dst[:2*h], x[:2*h], cos[:h], sin[n-h:])
		}},
		{"Sum", func(_ int, in, work func() []float32) { one(work, num.Sum(in())) }},
		{"SumSquares", func(_ int, in, work func() []float32) { one(work, num.SumSquares(in(), 0.25)) }},
		{"ArgMax", func(_ int, in, work func() []float32) { one(work, float32(num.ArgMax(in()))) }},
		{"FirstNonFinite", func(_ int, in, work func() []float32) { one(work, float32(num.FirstNonFinite(in()))) }},
	} {
		t.Run(f.name, func(t *testing.T) {
			for _, n := range pages.Lengths {
				want := newBuffers(n, slices.Clone)
				f.call(n, want.in, want.work)
				for _, side := range pages.Sides {
					t.Run(fmt.Sprintf("%s %d", side, n), func(t *testing.T) {
						got := newBuffers(n, func(x []float32) []float32 { return pages.Like(t, side, x) })
						f.call(n, got.in, got.work)
						got.check(t, want)
					})
				}
				t.Run(fmt.Sprintf("NaN %d", n), func(t *testing.T) {
					var untouched []func()
					got := newBuffers(n, func(x []float32) []float32 {
						out, check := kerneltest.Guarded(t, len(x))
						copy(out, x)
						untouched = append(untouched, check)
						return out
					})
					f.call(n, got.in, got.work)
					got.check(t, want)
					for _, check := range untouched {
						check()
					}
				})
			}
		})
	}
}
