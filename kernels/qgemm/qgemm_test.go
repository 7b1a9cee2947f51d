package qgemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/internal/pool"
	"github.com/loupe-vl/loupe/kernels/num"
)

// quantProblem is a product with quantized weights.
type quantProblem struct {
	rows, cols, k int
	how           Quantizing
	pad, offset   int
	x             gemm.View
	w             gemm.Matrix // as it was before it was quantized
	panels        *PackedWeights
	check         func()
}

func (p *quantProblem) String() string {
	return fmt.Sprintf("%dx%dx%d %+v pad %d offset %d", p.rows, p.cols, p.k, p.how, p.pad, p.offset)
}

func newQuantProblem(t *testing.T, r *rand.Rand, p quantProblem) *quantProblem {
	t.Helper()
	data, check := kerneltest.Guarded(t, p.rows*(p.k+p.pad)+p.offset)
	for i := range data {
		data[i] = float32(r.NormFloat64())
		if r.IntN(50) == 0 {
			data[i] *= 100
		}
	}
	p.check = check
	p.x = gemm.View{Data: data[p.offset:], Rows: p.rows, Cols: p.k, RowStride: p.k + p.pad, ColStride: 1}
	p.w = gemm.Matrix{Layout: gemm.F32, F32: make([]float32, p.cols*p.k), Rows: p.cols, Cols: p.k, Stride: p.k}
	for i := range p.w.F32 {
		p.w.F32[i] = float32(r.NormFloat64()) / 32
	}
	var err error
	if p.panels, err = Quantize(p.w, p.how, serial); err != nil {
		t.Fatal(err)
	}
	if err := p.panels.Check(); err != nil {
		t.Fatal(err)
	}
	return &p
}

// weight is q - zero, times the multiple where there is one, and the scale of a weight, found by the layout as PackedWeights describes it.
func (p *quantProblem) weight(r, k int) (q int, scale float32) {
	panels, blocks := p.panels, (p.k+31)/32
	panel, c, block, at := r/32, r%32, k/32, k%32
	zero := 128
	if panels.Bits == 8 {
		q = int(panels.Weights[(((panel*blocks+block)*8+at/4)*32+c)*4+at%4])
	} else {
		q = int(panels.Weights[(((panel*blocks+block)*4+at%16/4)*32+c)*4+at%4])
		if at >= 16 {
			q >>= 4
		}
		q, zero = q&15, 8
	}
	groups := (blocks*32 + panels.Group - 1) / panels.Group
	i := (panel*groups+k/panels.Group)*32 + c
	if panels.Zeros != nil {
		zero = int(panels.Zeros[i])
	}
	return p.multiple(r, k) * (q - zero), num.F16ToF32(panels.Scales[i])
}

// multiple is that of a weight's scale.
func (p *quantProblem) multiple(r, k int) int {
	if p.panels.SubScales == nil {
		return 1
	}
	return int(int8(p.panels.SubScales[(r/32*((p.k+31)/32)+k/32)*32+r%32]))
}

// naive is the arithmetic of the mode as it is written, element by element.
func (p *quantProblem) naive() []float32 {
	var out []float32
	for r := range p.rows {
		row := p.x.Data[r*p.x.RowStride:][:p.k]
		for c := range p.cols {
			acc := float32(0)
			xGroup := 32
			if p.panels.Group%128 == 0 || p.panels.Group >= p.k {
				xGroup = 128
			}
			for b := 0; b < p.k; b += xGroup {
				block := row[b:min(b+xGroup, p.k)]
				most := 0.0
				for _, v := range block {
					most = max(most, math.Abs(float64(v)))
				}
				xScale, inverse := float32(most)/127, 127/float32(most)
				sum, wScale := 0, float32(0)
				for i, v := range block {
					q, scale := p.weight(c, b+i)
					sum += q * int(math.RoundToEven(float64(v*inverse)))
					wScale = scale
				}
				acc = num.FMA(float32(sum), xScale*wScale, acc)
			}
			out = append(out, acc)
		}
	}
	return out
}

func (p *quantProblem) run(t *testing.T, m *Multiplier) []float32 {
	t.Helper()
	stride := p.cols + p.pad
	data, check := kerneltest.Guarded(t, max(0, (p.rows-1)*stride+p.cols))
	m.Affine(gemm.View{Data: data, Rows: p.rows, Cols: p.cols, RowStride: stride, ColStride: 1}, p.x, p.panels.Matrix(), nil)
	check()
	p.check()
	var out []float32
	for r := range p.rows {
		out = append(out, data[r*stride:][:p.cols]...)
		for _, v := range data[min(len(data), r*stride+p.cols):min(len(data), (r+1)*stride)] {
			if math.Float32bits(v) != kerneltest.GuardBits {
				t.Fatalf("%v: written between the rows", p)
			}
		}
	}
	return out
}

// quantizings are all forms of weights and groups.
var quantizings = []Quantizing{
	{8, 32, false}, {8, 64, false}, {8, 128, false}, {8, 256, false}, {8, 0, false}, {4, 32, false}, {4, 64, false}, {4, 128, false}, {4, 0, false},
	{4, 32, true}, {4, 64, true}, {4, 128, true}, {4, 256, true}, {4, 0, true},
}

func quantProblems(t *testing.T) []*quantProblem {
	r := rand.New(rand.NewPCG(31, 32))
	rows, cols, ks := []int{1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 17}, []int{1, 15, 16, 17, 31, 32, 33, 64, 70}, []int{1, 3, 31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 255, 256, 300, 400}
	var out []*quantProblem
	for i := range 300 {
		out = append(out, newQuantProblem(t, r, quantProblem{rows: rows[r.IntN(len(rows))], cols: cols[r.IntN(len(cols))], k: ks[r.IntN(len(ks))],
			how: quantizings[i%len(quantizings)], pad: r.IntN(4), offset: r.IntN(4)}))
	}
	return out
}

// serial runs f on the caller's goroutine.
func serial(n, _ int, f func(lo, hi int)) { f(0, n) }

// eachSet runs a test on every set of instructions of this machine: its exact kernels, and all those for packed weights that go with them.
func eachSet(t *testing.T, f func(t *testing.T, ks *gemm.Kernels, sets []*Kernels)) {
	own := func(name string) *gemm.Kernels {
		for _, ks := range gemm.Sets() {
			if ks.Name == name && ks.Available {
				return ks
			}
		}
		return nil
	}
	none := func(t *testing.T, _ string) (*gemm.Kernels, string) {
		t.Skip("not on this machine, and the emulated processor runs the exact kernels only")
		return nil, ""
	}
	kerneltest.Each(t, own, none, func(t *testing.T, name string, ks *gemm.Kernels, _ bool) { f(t, ks, Sets(name)) })
}

// newMultiplier is a multiplier on so many threads.
func newMultiplier(t *testing.T, exact *gemm.Kernels, ks *Kernels, threads int) *Multiplier {
	p := pool.New(threads)
	t.Cleanup(p.Close)
	return New(ks, gemm.New(exact, p), p)
}

func TestQuantizedPaths(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		var multipliers []*Multiplier
		for _, set := range sets {
			multipliers = append(multipliers, newMultiplier(t, ks, set, 2))
		}
		for _, p := range quantProblems(t) {
			want := p.naive()
			for i, m := range multipliers {
				if !kerneltest.SameBits(p.run(t, m), want) {
					t.Fatalf("%v, set %d of routines: differs from the mode's arithmetic", p, i)
				}
			}
		}
	})
}

// TestQuantizedExtremes: weights and activations at the ends of their ranges, where 16-bit sums would overflow, blocks of
// zeros, tiny and huge numbers, and what is no number, which the result must show.
func TestQuantizedExtremes(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		for i := range len(quantizings) * len(sets) {
			how, m := quantizings[i%len(quantizings)], newMultiplier(t, ks, sets[i/len(quantizings)], 2)
			p := newQuantProblem(t, rand.New(rand.NewPCG(6, 6)), quantProblem{rows: 7, cols: 33, k: 100, how: how})
			for i := range p.panels.Weights {
				p.panels.Weights[i] = []byte{0, 255, 0xf0, 0x0f}[i/7%4]
			}
			for r := range p.rows {
				row := p.x.Data[r*p.k:][:p.k]
				for i := range row {
					row[i] = []float32{3, 3, -3, 3}[(i/5+r)%4] * []float32{1, 0x1p-90, 0x1p100}[i/32%3]
				}
			}
			if !kerneltest.SameBits(p.run(t, m), p.naive()) {
				t.Errorf("%v: differs from the mode's arithmetic", p)
			}
			p.x.Data[40], p.x.Data[p.k+3], p.x.Data[2*p.k+99] = float32(math.NaN()), float32(math.Inf(-1)), 0
			clear(p.x.Data[3*p.k : 5*p.k])
			p.x.Data[4*p.k] = 0x1p-120
			got := p.run(t, m)
			for i, v := range got {
				if (v != v) != (i < 2*p.cols) {
					t.Fatalf("%v: row %d is %v", p, i/p.cols, v)
				}
				if i/p.cols == 3 || i/p.cols == 4 {
					if math.Float32bits(v) != 0 {
						t.Fatalf("%v: row %d of zeros is %v", p, i/p.cols, v)
					}
				}
			}
		}
	})
}

func TestQuantizedRowAloneAndThreads(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		for _, how := range quantizings {
			p := newQuantProblem(t, rand.New(rand.NewPCG(3, 3)), quantProblem{rows: 14, cols: 150, k: 170, how: how})
			all := p.run(t, newMultiplier(t, ks, sets[0], 1))
			for _, n := range []int{2, 3, 7} {
				if !kerneltest.SameBits(p.run(t, newMultiplier(t, ks, sets[0], n)), all) {
					t.Errorf("%+v: %d threads give other bits", how, n)
				}
			}
			m := newMultiplier(t, ks, sets[0], 2)
			for r := range p.rows {
				one := *p
				one.rows, one.x.Rows, one.x.Data = 1, 1, p.x.Data[r*p.x.RowStride:]
				if !kerneltest.SameBits(one.run(t, m), all[r*p.cols:][:p.cols]) {
					t.Errorf("%+v: row %d alone gives other bits", how, r)
				}
			}
		}
	})
}

// TestQuantize: every weight is within half a step of its scale, or of its multiple, of what it was, but for those that 4 bits cut off
// at one end, or at both where the multiple is the nearest below; and the same in panels as by their rows.
func TestQuantize(t *testing.T) {
	for _, how := range quantizings {
		p := newQuantProblem(t, rand.New(rand.NewPCG(9, 9)), quantProblem{rows: 1, cols: 37, k: 201, how: how})
		row := make([]float32, p.k)
		for r := range p.cols {
			p.panels.Matrix().Row(row, r)
			for k, v := range row {
				q, scale := p.weight(r, k)
				if v != scale*float32(q) {
					t.Fatalf("%+v: element (%d, %d) is %v by Row, %v by the layout", how, r, k, v, scale*float32(q))
				}
				step := math.Abs(float64(scale))
				bound := 0.501 * step
				switch {
				case how.ZeroPoints:
					bound *= 2.02
				case how.Bits == 4:
					multiple := math.Abs(float64(p.multiple(r, k)))
					bound *= multiple
					if q := float64(q) / multiple; q == 7 || q == -7 { // the end at which there are 7 steps
						bound *= 2.02
					}
					if how.Group == 32 || how.Group == 64 { // whose multiple is half a scale too small
						bound += 8 * 0.5 * step
					}
				}
				if d := math.Abs(float64(v - p.w.F32[r*p.k+k])); d > bound {
					t.Fatalf("%+v: element (%d, %d) is %v, was %v: %v steps away", how, r, k, v, p.w.F32[r*p.k+k], d/float64(scale))
				}
			}
		}
	}
}

// TestQuantizedBackward: without transposition, the product is law 1 over the numbers that the panels hold.
func TestQuantizedBackward(t *testing.T) {
	eachSet(t, func(t *testing.T, ks *gemm.Kernels, sets []*Kernels) {
		m := newMultiplier(t, ks, sets[0], 2).exact
		for i, how := range slices.Concat(quantizings, quantizings) {
			size := [][2]int{{40, 70}, {64, 128}, {545, 96}, {1030, 40}}[i%4] // of which the last two are multiplied in parts, cut within a block
			p := newQuantProblem(t, rand.New(rand.NewPCG(4, 4)), quantProblem{rows: 1, cols: size[0], k: size[1], how: how})
			w := gemm.Matrix{Layout: gemm.F32, Rows: p.cols, Cols: p.k, Stride: p.k, F32: make([]float32, p.cols*p.k)}
			for r := range p.cols {
				p.panels.Matrix().Row(w.F32[r*p.k:][:p.k], r)
			}
			dy := gemm.View{Data: make([]float32, 9*p.cols), Rows: 9, Cols: p.cols, RowStride: p.cols, ColStride: 1}
			for i := range dy.Data {
				dy.Data[i] = float32(i%29) - 14.3
			}
			got, want := make([]float32, 9*p.k), make([]float32, 9*p.k)
			m.MatMul(gemm.View{Data: got, Rows: 9, Cols: p.k, RowStride: p.k, ColStride: 1}, dy, p.panels.Matrix(), gemm.Accumulate)
			m.MatMul(gemm.View{Data: want, Rows: 9, Cols: p.k, RowStride: p.k, ColStride: 1}, dy, w, gemm.Accumulate)
			if !kerneltest.SameBits(got, want) {
				t.Errorf("%+v: differs from the product with the numbers", how)
			}
		}
	})
}

func TestQuantizeRefuses(t *testing.T) {
	m := gemm.Matrix{Layout: gemm.F32, F32: make([]float32, 40), Rows: 1, Cols: 40, Stride: 40}
	for _, c := range []struct {
		how   Quantizing
		at    int
		value float32
		want  string
	}{
		{Quantizing{Bits: 3, Group: 32}, 0, 0, "3 bits"},
		{Quantizing{Bits: 8, Group: 48}, 0, 0, "groups of 48"},
		{Quantizing{Bits: 4, Group: 96}, 0, 0, "groups of 96"},
		{Quantizing{Bits: 8, Group: 32, ZeroPoints: true}, 0, 0, "zero points"},
		{Quantizing{Bits: 8, Group: 32}, 33, float32(math.Inf(1)), "row 0, columns 32 to 39"},
		{Quantizing{Bits: 4, Group: 32}, 3, float32(math.NaN()), "NaN"},
		{Quantizing{Bits: 4, Group: 32}, 3, 1e20, "too large"},
	} {
		w := m
		w.F32 = slices.Clone(m.F32)
		w.F32[c.at] = c.value
		if p, err := Quantize(w, c.how, serial); p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error is %v, want one with %q", c.how, err, c.want)
		}
	}
}

func TestPackedWeightsCheck(t *testing.T) {
	p := newQuantProblem(t, rand.New(rand.NewPCG(9, 9)), quantProblem{rows: 1, cols: 37, k: 201, how: Quantizing{4, 64, true}}).panels
	other := newQuantProblem(t, rand.New(rand.NewPCG(9, 9)), quantProblem{rows: 1, cols: 37, k: 201, how: Quantizing{4, 64, false}}).panels
	if err := other.Check(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(p *PackedWeights){
		func(p *PackedWeights) { p.Bits = 5 },
		func(p *PackedWeights) { p.Bits = 8 },
		func(p *PackedWeights) { p.ZeroPoints = false },
		func(p *PackedWeights) { *p = *other; p.ZeroPoints = true },
		func(p *PackedWeights) { p.Group = 33 },
		func(p *PackedWeights) { p.Rows = 65 },
		func(p *PackedWeights) { p.Weights = p.Weights[1:] },
		func(p *PackedWeights) { p.Scales = nil },
		func(p *PackedWeights) { p.Zeros = p.Zeros[1:] },
		func(p *PackedWeights) { p.SubScales = make([]byte, 32) },
		func(p *PackedWeights) {
			p.Zeros = slices.Clone(p.Zeros)
			p.Zeros[70] = 128
		},
		func(p *PackedWeights) { *p = *other; p.SubScales = nil },
		func(p *PackedWeights) { *p = *other; p.SubScales = p.SubScales[1:] },
		func(p *PackedWeights) { *p = *other; p.Zeros = make([]byte, len(p.Scales)) },
		func(p *PackedWeights) {
			*p = *other
			p.SubScales = slices.Clone(p.SubScales)
			p.SubScales[40] = 256 - 16
		},
	} {
		q := *p
		change(&q)
		if q.Check() == nil {
			t.Errorf("%d bits, groups of %d, (%d, %d): accepted", q.Bits, q.Group, q.Rows, q.Cols)
		}
	}
}
