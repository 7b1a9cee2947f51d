//go:build cuda && linux && cgo

package cuda

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
)

// reference is the engine of plain Go.
var reference = func() *kernels.Engine {
	e, err := kernels.New(kernels.Options{Kernels: "generic", Threads: 1})
	if err != nil {
		panic(err)
	}
	return e
}()

// dice are numbers that are the same each time.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 1))} }

// The kinds of numbers that tests compute with.
const (
	ordinary   = iota
	canceling  // of very different sizes, and their negatives
	denormal   // small enough that products and sums are denormal
	nonFinite  // some are infinite or NaN
	valueKinds = iota
)

var valueNames = [valueKinds]string{"ordinary", "canceling", "denormal", "non-finite"}

// floats are n numbers of a kind.
func (r dice) floats(n, kind int) []float32 {
	out := make([]float32, n)
	for i := range out {
		v := float32(r.NormFloat64())
		switch kind {
		case canceling:
			v = float32(math.Ldexp(float64(v), r.IntN(40)-20))
			if i > 0 && r.IntN(3) == 0 {
				v = -out[i-1]
			}
		case denormal:
			v = float32(math.Ldexp(float64(v), -60-r.IntN(80)))
		case nonFinite:
			switch r.IntN(200) {
			case 0:
				v = float32(math.Inf(1 - 2*r.IntN(2)))
			case 1:
				v = float32(math.NaN())
			}
		}
		out[i] = v
	}
	return out
}

// halves are n bfloat16 or half-precision numbers of a kind.
func (r dice) halves(n, kind int, of kernels.Layout) []uint16 {
	out := make([]uint16, n)
	for i, v := range r.floats(n, kind) {
		if out[i] = num.F32ToBF16(v); of == kernels.F16 {
			out[i] = uint16(r.Uint32())
			if out[i]&0x7c00 == 0x7c00 && kind != nonFinite {
				out[i] &^= 0x4000
			}
		}
	}
	return out
}

// matrix is a random one, whose rows are pad elements apart more than they are long.
func (r dice) matrix(of kernels.Layout, rows, cols, pad, kind int) kernels.Matrix {
	m := kernels.Matrix{Layout: of, Rows: rows, Cols: cols, Stride: cols + pad}
	if n := elements(m); of == kernels.F32 {
		m.F32 = r.floats(n, kind)
	} else {
		m.Bits = r.halves(n, kind, of)
	}
	return m
}

// up is x on the device, in an allocation of its own: its end is at a page that nobody may touch.
func up(t testing.TB, d *Device, rows, cols, pad int, x []float32) kernels.Array {
	t.Helper()
	n := 0
	if rows > 0 {
		n = (rows-1)*(cols+pad) + cols
	}
	b, err := d.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	a := kernels.Array{Rows: rows, Cols: cols, Stride: cols + pad, Buffer: b}
	if x != nil {
		if err := d.Upload(a, x); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// buffer is x on the device as a buffer.
func buffer(t testing.TB, d *Device, x []float32) kernels.Buffer {
	t.Helper()
	return up(t, d, 1, len(x), 0, x).Buffer
}

// down is what an array holds.
func down(t testing.TB, d *Device, a kernels.Array) []float32 {
	t.Helper()
	x := make([]float32, a.Rows*a.Cols)
	if err := d.Download(x, a); err != nil {
		t.Fatal(err)
	}
	return x
}

// same compares bits; all NaN are alike.
func same(t testing.TB, what string, got, want []float32) {
	t.Helper()
	if at := differ(got, want); at >= 0 {
		t.Errorf("%s: element %d of %d is %v (%08x), want %v (%08x)", what, at, len(want), got[at], math.Float32bits(got[at]), want[at], math.Float32bits(want[at]))
	}
}

// differ is the first element whose bits are other ones, -1 for none.
func differ(got, want []float32) int {
	for i, w := range want {
		if g := got[i]; math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
			return i
		}
	}
	return -1
}

// dense is a matrix of the host as an operand of the reference.
func dense(rows, cols int, x []float32) kernels.View {
	return kernels.View{Data: x, Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}
