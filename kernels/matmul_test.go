package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// eachPath runs a test on every kernel path by name.
func eachPath(t *testing.T, f func(t *testing.T, name string)) {
	own := func(name string) *path {
		for _, p := range paths() {
			if p.name == name && p.available {
				return p
			}
		}
		return nil
	}
	kerneltest.Each(t, own, emulated, func(t *testing.T, name string, p *path, emulated bool) {
		if emulated {
			borrowed = p
			defer func() { borrowed = nil }()
		}
		f(t, name)
	})
}

// borrowed is the emulated path of the running test, if it needs one.
var borrowed *path

// few cuts a list of cases short where they run on an emulated processor.
func few[T any](cases []T) []T {
	if borrowed != nil {
		return cases[:min(len(cases), 40)]
	}
	return cases
}

func engine(t testing.TB, o Options) *Engine {
	t.Helper()
	own := borrowed != nil && o.Kernels == borrowed.name
	if own {
		o.Kernels = "generic"
	}
	e, err := New(o)
	if own {
		e.path = borrowed
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// layouts are the dense ones of law 1.
var layouts = []ElementLayout{F32, BF16, F16}

// problem is one product and its operands.
type problem struct {
	rows, cols, k      int
	layout             ElementLayout
	transW, accumulate bool
	transX             bool
	pad                int // elements between rows
	offset             int // of the first element of each operand
	x                  View
	w                  Matrix
	start              []float32
	check              []func()
}

func (p *problem) String() string {
	return fmt.Sprintf("%dx%dx%d %T transW %v accumulate %v transX %v pad %d offset %d", p.rows, p.cols, p.k, p.layout, p.transW, p.accumulate, p.transX, p.pad, p.offset)
}

func newProblem(t *testing.T, r *rand.Rand, p problem) *problem {
	if p.layout == nil {
		p.layout = F32
	}
	floats := func(n int) []float32 {
		x, check := kerneltest.Guarded(t, n+p.offset)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		p.check = append(p.check, check)
		return x[p.offset:]
	}
	if p.transX {
		p.x = View{Data: floats(p.k * (p.rows + p.pad)), Rows: p.rows, Cols: p.k, RowStride: 1, ColStride: p.rows + p.pad}
	} else {
		p.x = View{Data: floats(p.rows * (p.k + p.pad)), Rows: p.rows, Cols: p.k, RowStride: p.k + p.pad, ColStride: 1}
	}
	p.w = Matrix{Layout: p.layout, Rows: p.k, Cols: p.cols}
	if p.transW {
		p.w.Rows, p.w.Cols = p.cols, p.k
	}
	p.w.Stride = p.w.Cols + p.pad
	n := max(0, (p.w.Rows-1)*p.w.Stride+p.w.Cols) // no slack after the last row
	if p.layout == F32 {
		p.w.F32 = floats(n)
	} else {
		p.w.Bits = make([]uint16, n+p.offset)[p.offset:]
		for i := range p.w.Bits {
			v := float32(r.NormFloat64())
			if p.layout == BF16 {
				p.w.Bits[i] = uint16(math.Float32bits(v) >> 16)
			} else {
				p.w.Bits[i] = uint16(r.IntN(0x7c00)) | uint16(r.IntN(2))<<15 // finite halves, denormal ones too
			}
		}
	}
	p.start = make([]float32, p.rows*p.cols)
	for i := range p.start {
		p.start[i] = float32(r.NormFloat64())
	}
	return &p
}

// naive is law 1 as it is written.
func (p *problem) naive() []float32 {
	out := slices.Clone(p.start)
	one := make([]float32, 1)
	for r := range p.rows {
		for c := range p.cols {
			acc := float32(0)
			if p.accumulate {
				acc = out[r*p.cols+c]
			}
			for k := range p.k {
				row, col := k, c
				if p.transW {
					row, col = c, k
				}
				p.w.Layout.Dequantize(one, 1, p.w, row, 1, col, 1)
				acc = num.FMA(p.x.Data[r*p.x.RowStride+k*p.x.ColStride], one[0], acc)
			}
			out[r*p.cols+c] = acc
		}
	}
	return out
}

// form is that of the problem's product.
func (p *problem) form() Form {
	form := Plain
	if p.transW {
		form |= TransW
	}
	if p.accumulate {
		form |= Accumulate
	}
	return form
}

// run computes the problem, into a dst whose rows have NaN between them.
func (p *problem) run(t *testing.T, e *Engine, serial bool) []float32 {
	t.Helper()
	stride := p.cols + p.pad
	data, check := kerneltest.Guarded(t, p.rows*stride)
	for r := range p.rows {
		copy(data[r*stride:], p.start[r*p.cols:(r+1)*p.cols])
	}
	dst := View{Data: data, Rows: p.rows, Cols: p.cols, RowStride: stride, ColStride: 1}
	if serial {
		e.MatMulSerial(NewScratch(), dst, p.x, p.w, p.form())
	} else {
		e.MatMul(dst, p.x, p.w, p.form())
	}
	check()
	for _, c := range p.check {
		c()
	}
	out := make([]float32, 0, p.rows*p.cols)
	for r := range p.rows {
		out = append(out, data[r*stride:r*stride+p.cols]...)
		for i := p.cols; i < stride && r < p.rows-1; i++ {
			if math.Float32bits(data[r*stride+i]) != kerneltest.GuardBits {
				t.Fatalf("%v: written between the rows", p)
			}
		}
	}
	return out
}

func problems(t *testing.T) []*problem {
	r := rand.New(rand.NewPCG(11, 12))
	var out []*problem
	sizes := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 15, 16, 17, 31, 32, 33, 40}
	for i := range 500 {
		p := problem{rows: sizes[r.IntN(len(sizes))], cols: sizes[r.IntN(len(sizes))], k: sizes[r.IntN(len(sizes))], layout: layouts[i%3],
			transW: r.IntN(2) == 0, accumulate: r.IntN(3) == 0, transX: r.IntN(4) == 0, pad: r.IntN(4), offset: r.IntN(4)}
		if i%25 == 0 {
			p.k = kBlock + sizes[r.IntN(len(sizes))] - 2
		}
		out = append(out, newProblem(t, r, p))
	}
	return out
}

func TestMatMulPaths(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name, Threads: 2})
		for _, p := range few(problems(t)) {
			want := p.naive()
			for _, serial := range []bool{false, true} {
				if got := p.run(t, e, serial); !kerneltest.SameBits(got, want) {
					t.Fatalf("%v, serial %v: differs from law 1", p, serial)
				}
			}
		}
	})
}

// TestMatMulParts: products whose left operand is taken in parts, of rows or of steps, are those of the whole.
func TestMatMulParts(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name, Threads: 2})
		e.left = leftPart{numbers: 1 << 16, rows: 512}
		r := rand.New(rand.NewPCG(14, 15))
		for _, c := range []problem{
			{rows: 542, cols: 5, k: 40, layout: BF16, transW: true},
			{rows: 135, cols: 17, k: 602, layout: BF16, transW: true, accumulate: true},
			{rows: 542, cols: 3, k: 218, layout: F32, pad: 1},
			{rows: 256, cols: 3, k: 346, layout: F16, transW: true, transX: true},
		} {
			p := newProblem(t, r, c)
			if high, steps := e.left.of(e.path.mr, p.rows, p.k); high >= p.rows && steps >= p.k {
				t.Fatalf("%v is one part: the test tests nothing", p)
			}
			if !kerneltest.SameBits(p.run(t, e, false), p.naive()) {
				t.Errorf("%v: differs from law 1", p)
			}
		}
	})
}

// TestLeftPart: parts are even, whole tiles and multiples of 16, and cover all, for a small second-level cache and a large one.
func TestLeftPart(t *testing.T) {
	for _, c := range []struct{ cache, rows, k, high, steps int }{
		{0, 924, 1280, 924, 1280}, {1 << 20, 924, 5120, 924, 1280}, {1 << 20, 256, 8960, 264, 4480}, {0, 16384, 1280, 4104, 320}, {0, 1, 1, 12, 16}, {0, 5, 0, 12, 16}, {0, 1 << 20, 100, 4104, 112},
		{2 << 20, 256, 1536, 264, 1536}, {2 << 20, 256, 8960, 264, 1504}, {2 << 20, 924, 1280, 468, 640}, {2 << 20, 16384, 1280, 480, 640},
	} {
		if high, steps := leftPartFor(c.cache).of(12, c.rows, c.k); high != c.high || steps != c.steps {
			t.Errorf("parts of (%d, %d) are (%d, %d), not (%d, %d)", c.rows, c.k, high, steps, c.high, c.steps)
		}
	}
}

// TestMatMulDenormals: products and sums in float32's denormal range are kept on every path.
func TestMatMulDenormals(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name})
		p := newProblem(t, rand.New(rand.NewPCG(1, 1)), problem{rows: 7, cols: 33, k: 20, transW: true})
		for i := range p.x.Data {
			p.x.Data[i] *= 0x1p-80
		}
		for i := range p.w.F32 {
			p.w.F32[i] *= 0x1p-64
		}
		got := p.run(t, e, false)
		if !kerneltest.SameBits(got, p.naive()) {
			t.Error("differs from law 1")
		}
		if i := slices.IndexFunc(got, func(v float32) bool { return v != 0 && math.Abs(float64(v)) < 0x1p-126 }); i < 0 {
			t.Error("no result is denormal: the test tests nothing")
		}
	})
}

// TestMatMulFewRows goes through every number of rows that strips compute and some more, for widths with a rest that panels
// compute, and from what dst holds.
func TestMatMulFewRows(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name, Threads: 2})
		r := rand.New(rand.NewPCG(5, 5))
		for _, layout := range layouts {
			for rows := 1; rows <= mostStripRows+2; rows++ {
				for _, transW := range []bool{true, false} {
					p := newProblem(t, r, problem{rows: rows, cols: 2*stripCols + 5, k: 64, layout: layout, transW: transW, accumulate: rows%2 == 0, pad: rows % 3, offset: rows % 4})
					want := p.naive()
					for _, serial := range []bool{false, true} {
						if got := p.run(t, e, serial); !kerneltest.SameBits(got, want) {
							t.Fatalf("%v, serial %v: differs from law 1", p, serial)
						}
					}
				}
			}
		}
	})
}

func TestMatMulThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	p := newProblem(t, r, problem{rows: 37, cols: 210, k: 300, layout: BF16, transW: true})
	want := p.run(t, engine(t, Options{Threads: 1}), false)
	for _, n := range []int{2, 3, 7} {
		if !kerneltest.SameBits(p.run(t, engine(t, Options{Threads: n}), false), want) {
			t.Errorf("%d threads give other bits", n)
		}
	}
}

func TestMatMulRowAlone(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name})
		p := newProblem(t, rand.New(rand.NewPCG(3, 3)), problem{rows: 14, cols: 50, k: 70, layout: BF16, transW: true})
		all := p.run(t, e, false)
		for r := range p.rows {
			one := *p
			one.rows, one.x.Rows, one.x.Data = 1, 1, p.x.Data[r*p.x.RowStride:]
			if !kerneltest.SameBits(one.run(t, e, false), all[r*p.cols:(r+1)*p.cols]) {
				t.Errorf("row %d alone gives other bits", r)
			}
		}
	})
}

func TestMatMulPieces(t *testing.T) {
	eachPath(t, func(t *testing.T, name string) {
		e := engine(t, Options{Kernels: name})
		p := newProblem(t, rand.New(rand.NewPCG(4, 4)), problem{rows: 9, cols: 40, k: 100, layout: F32, transW: false})
		want := p.run(t, e, false)
		for _, cut := range []int{1, 16, 50, 99} {
			first, second := *p, *p
			first.k, first.x.Cols, first.w.Rows = cut, cut, cut
			second.k, second.x.Cols, second.w.Rows = p.k-cut, p.k-cut, p.k-cut
			second.x.Data, second.w.F32 = p.x.Data[cut:], p.w.F32[cut*p.w.Stride:]
			second.start, second.accumulate = first.run(t, e, false), true
			if !kerneltest.SameBits(second.run(t, e, false), want) {
				t.Errorf("cut at %d gives other bits", cut)
			}
		}
	})
}

func TestChooseNamesWhatThereIs(t *testing.T) {
	_, err := New(Options{Kernels: "avx1024"})
	if err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("error is %v", err)
	}
	e := engine(t, Options{Kernels: "generic", Threads: 3})
	if e.Path() != "generic" || e.Threads() != 3 {
		t.Errorf("engine is %s with %d threads", e.Path(), e.Threads())
	}
}

func BenchmarkMatMul(b *testing.B) {
	for _, rows := range []int{1, 4, 16, 256} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			const k, n = 1536, 8960
			e := engine(b, Options{})
			x := View{Data: make([]float32, rows*k), Rows: rows, Cols: k, RowStride: k, ColStride: 1}
			dst := View{Data: make([]float32, rows*n), Rows: rows, Cols: n, RowStride: n, ColStride: 1}
			w := Matrix{Layout: BF16, Bits: make([]uint16, n*k), Rows: n, Cols: k, Stride: k}
			for i := range w.Bits {
				w.Bits[i] = uint16(uint64(i) * 2654435761 >> 17 & 0x3fff)
			}
			for b.Loop() {
				e.MatMul(dst, x, w, TransW)
			}
			b.ReportMetric(2*float64(rows)*k*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(2*k*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}
