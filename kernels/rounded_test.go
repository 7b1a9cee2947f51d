package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// roundedNaive is the arithmetic of bfloat16 products as it is written.
func (p *problem) roundedNaive() []float32 {
	var out []float32
	for r := range p.rows {
		x := func(k int) float32 {
			if k >= p.k {
				return 0
			}
			v := p.x.Data[r*p.x.RowStride+k]
			if math.Abs(float64(v)) < 0x1p-49 {
				return 0
			}
			return num.BF16ToF32(num.F32ToBF16(v))
		}
		for c := range p.cols {
			w := func(k int) float32 {
				if k >= p.k {
					return 0
				}
				var one [1]float32
				p.w.Layout.Dequantize(one[:], 1, p.w, c, 1, k, 1)
				v := num.BF16ToF32(num.F32ToBF16(one[0]))
				if math.Abs(float64(v)) < 0x1p-63 {
					return 0
				}
				return v
			}
			acc := float32(0)
			for k := 0; k < p.k; k += 2 {
				acc = num.FMA(x(k+1), w(k+1), acc)
				acc = num.FMA(x(k), w(k), acc)
			}
			out = append(out, acc)
		}
	}
	return out
}

// roundings are the ways of an engine's path to multiply bfloat16, one engine each.
func roundings(t *testing.T, o Options) []*Engine {
	var out []*Engine
	base := engine(t, o)
	for _, p := range base.path.ways() {
		e := engine(t, o)
		e.rounded = func() *path { return p }
		out = append(out, e)
	}
	return out
}

// scatter makes one in so many of bits any bfloat16 whose bits, but for the sign, are below below: many are so small that products of
// bfloat16 take them for 0.
func scatter(r *rand.Rand, bits []uint16, one, below int) {
	for i := range bits {
		if r.IntN(one) == 0 {
			bits[i] = uint16(r.IntN(below)) | uint16(r.IntN(2))<<15
		}
	}
}

func TestRoundedPaths(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		r := rand.New(rand.NewPCG(41, 42))
		sizes := []int{1, 2, 3, 5, 7, 8, 9, 11, 12, 13, 31, 32, 33, 64, 70}
		engines := roundings(t, Options{Kernels: name, Threads: 2})
		for i := range 300 {
			c := problem{rows: sizes[r.IntN(len(sizes))], cols: sizes[r.IntN(len(sizes))], k: sizes[r.IntN(len(sizes))], layout: []ElementLayout{BF16, BF16, F32, F16}[i%4], transW: true, pad: r.IntN(4), offset: r.IntN(4)}
			if i%25 == 0 {
				c.k = 2*kBlock + sizes[r.IntN(len(sizes))] - 2
			}
			p := newProblem(t, r, c)
			p.w, _ = engines[0].BF16Products(p.w)
			for i := range p.x.Data { // some tiny, some in the bounds' neighborhood
				if r.IntN(8) == 0 {
					p.x.Data[i] *= float32(math.Ldexp(1, -45-r.IntN(100)))
				}
			}
			if p.layout == BF16 {
				scatter(r, p.w.Bits, 8, 0x4000)
			}
			for _, e := range engines {
				if !kerneltest.SameBits(p.run(t, e, false), p.roundedNaive()) {
					t.Fatalf("%v, %d steps at once: differs from the mode's arithmetic", p, e.rounded().steps)
				}
			}
		}
	})
}

// TestRoundedFewRows goes through every number of rows that strips compute, with a rest of columns that panels do.
func TestRoundedFewRows(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		engines := roundings(t, Options{Kernels: name, Threads: 2})
		r := rand.New(rand.NewPCG(5, 5))
		for rows := 1; rows <= mostStripRows+2; rows++ {
			p := newProblem(t, r, problem{rows: rows, cols: 2*stripCols + 5, k: 96, layout: BF16, transW: true, pad: rows % 3, offset: rows % 4})
			p.w.Layout = BF16Products
			scatter(r, p.w.Bits, 8, 0x4000)
			for _, e := range engines {
				if !kerneltest.SameBits(p.run(t, e, false), p.roundedNaive()) {
					t.Fatalf("%v, %d steps at once: differs from the mode's arithmetic", p, e.rounded().steps)
				}
			}
		}
	})
}

// TestRoundedKeepsNaN: numbers that are none, in either operand, are seen in the result; those beyond bfloat16 become infinite.
func TestRoundedKeepsNaN(t *testing.T) {
	eachRealPath(t, func(t *testing.T, name string) {
		for _, e := range roundings(t, Options{Kernels: name}) {
			for _, rows := range []int{1, 3, 20} {
				p := newProblem(t, rand.New(rand.NewPCG(7, 7)), problem{rows: rows, cols: 40, k: 64, layout: BF16, transW: true})
				p.w.Layout = BF16Products
				p.x.Data[5] = math.Float32frombits(0x7fffffff)
				p.w.Bits[7*64+2] = 0xffff
				for i, v := range p.run(t, e, false) {
					if (v != v) != (i < 40 || i%40 == 7) {
						t.Fatalf("%d rows, %d steps at once: row %d, column %d is %v", rows, e.rounded().steps, i/40, i%40, v)
					}
				}
				p.x.Data[5] = math.MaxFloat32
				if v := p.run(t, e, false)[0]; !math.IsInf(float64(v), 0) && v == v {
					t.Fatalf("%d rows: the greatest float32 gives %v", rows, v)
				}
			}
		}
	})
}

func TestRoundedThreadsAndRowAlone(t *testing.T) {
	p := newProblem(t, rand.New(rand.NewPCG(2, 2)), problem{rows: 37, cols: 210, k: 300, layout: BF16, transW: true})
	p.w.Layout = BF16Products
	want := p.run(t, engine(t, Options{Threads: 1}), false)
	for _, n := range []int{2, 3, 7} {
		e := engine(t, Options{Threads: n})
		if !kerneltest.SameBits(p.run(t, e, false), want) {
			t.Errorf("%d threads give other bits", n)
		}
		for r := range p.rows {
			one := *p
			one.rows, one.x.Rows, one.x.Data = 1, 1, p.x.Data[r*p.x.RowStride:]
			if !kerneltest.SameBits(one.run(t, e, false), want[r*p.cols:][:p.cols]) {
				t.Errorf("row %d alone gives other bits", r)
			}
		}
	}
}
