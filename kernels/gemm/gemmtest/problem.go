package gemmtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/kerneltest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// Problem is one product and its operands.
type Problem struct {
	Rows, Cols, K      int
	Layout             gemm.ElementLayout // nil: gemm.F32
	TransW, Accumulate bool
	TransX             bool
	Pad                int // elements between rows
	Offset             int // of the first element of each operand
	X                  gemm.View
	W                  gemm.Matrix
	Start              []float32 // what dst holds before
	check              []func()
}

// String names the sizes and the form of the product.
func (p *Problem) String() string {
	return fmt.Sprintf("%dx%dx%d %T transW %v accumulate %v transX %v pad %d offset %d", p.Rows, p.Cols, p.K, p.Layout, p.TransW, p.Accumulate, p.TransX, p.Pad, p.Offset)
}

// New makes the operands of p of random numbers, with NaN around them.
func New(t *testing.T, r *rand.Rand, p Problem) *Problem {
	if p.Layout == nil {
		p.Layout = gemm.F32
	}
	floats := func(n int) []float32 {
		x, check := kerneltest.Guarded(t, n+p.Offset)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		p.check = append(p.check, check)
		return x[p.Offset:]
	}
	if p.TransX {
		p.X = gemm.View{Data: floats(p.K * (p.Rows + p.Pad)), Rows: p.Rows, Cols: p.K, RowStride: 1, ColStride: p.Rows + p.Pad}
	} else {
		p.X = gemm.View{Data: floats(p.Rows * (p.K + p.Pad)), Rows: p.Rows, Cols: p.K, RowStride: p.K + p.Pad, ColStride: 1}
	}
	p.W = gemm.Matrix{Layout: p.Layout, Rows: p.K, Cols: p.Cols}
	if p.TransW {
		p.W.Rows, p.W.Cols = p.Cols, p.K
	}
	p.W.Stride = p.W.Cols + p.Pad
	n := max(0, (p.W.Rows-1)*p.W.Stride+p.W.Cols) // no slack after the last row
	if p.Layout == gemm.F32 {
		p.W.F32 = floats(n)
	} else {
		p.W.Bits = make([]uint16, n+p.Offset)[p.Offset:]
		for i := range p.W.Bits {
			v := float32(r.NormFloat64())
			if p.Layout == gemm.BF16 {
				p.W.Bits[i] = uint16(math.Float32bits(v) >> 16)
			} else {
				p.W.Bits[i] = uint16(r.IntN(0x7c00)) | uint16(r.IntN(2))<<15 // finite halves, denormal ones too
			}
		}
	}
	p.Start = make([]float32, p.Rows*p.Cols)
	for i := range p.Start {
		p.Start[i] = float32(r.NormFloat64())
	}
	return &p
}

// Naive is law 1 as it is written.
func (p *Problem) Naive() []float32 {
	out := slices.Clone(p.Start)
	one := make([]float32, 1)
	for r := range p.Rows {
		for c := range p.Cols {
			acc := float32(0)
			if p.Accumulate {
				acc = out[r*p.Cols+c]
			}
			for k := range p.K {
				row, col := k, c
				if p.TransW {
					row, col = c, k
				}
				p.W.Layout.Dequantize(one, 1, p.W, row, 1, col, 1)
				acc = num.FMA(p.X.Data[r*p.X.RowStride+k*p.X.ColStride], one[0], acc)
			}
			out[r*p.Cols+c] = acc
		}
	}
	return out
}

// Form is that of the problem's product.
func (p *Problem) Form() gemm.Form {
	form := gemm.Plain
	if p.TransW {
		form |= gemm.TransW
	}
	if p.Accumulate {
		form |= gemm.Accumulate
	}
	return form
}

// Run computes the problem by multiply, into a dst whose rows have NaN between them, and checks that nothing else was written.
func (p *Problem) Run(t *testing.T, multiply func(dst, x gemm.View, w gemm.Matrix, form gemm.Form)) []float32 {
	t.Helper()
	stride := p.Cols + p.Pad
	data, check := kerneltest.Guarded(t, p.Rows*stride)
	for r := range p.Rows {
		copy(data[r*stride:], p.Start[r*p.Cols:(r+1)*p.Cols])
	}
	multiply(gemm.View{Data: data, Rows: p.Rows, Cols: p.Cols, RowStride: stride, ColStride: 1}, p.X, p.W, p.Form())
	check()
	for _, c := range p.check {
		c()
	}
	out := make([]float32, 0, p.Rows*p.Cols)
	for r := range p.Rows {
		out = append(out, data[r*stride:r*stride+p.Cols]...)
		for i := p.Cols; i < stride && r < p.Rows-1; i++ {
			if math.Float32bits(data[r*stride+i]) != kerneltest.GuardBits {
				t.Fatalf("%v: written between the rows", p)
			}
		}
	}
	return out
}

// Scatter makes one in so many of bits any bfloat16 whose bits, but for the sign, are below below: many are so small that products of
// bfloat16 take them for 0.
func Scatter(r *rand.Rand, bits []uint16, one, below int) {
	for i := range bits {
		if r.IntN(one) == 0 {
			bits[i] = uint16(r.IntN(below)) | uint16(r.IntN(2))<<15
		}
	}
}

// View is random numbers, rows apart, or steps of k apart if transposed is set.
func View(r *rand.Rand, rows, cols int, transposed bool) gemm.View {
	v := gemm.View{Rows: rows, Cols: cols, RowStride: cols + 5, ColStride: 1, Data: make([]float32, max(rows, cols)*(max(rows, cols)+5))}
	if transposed {
		v.RowStride, v.ColStride = 1, rows+3
	}
	for i := range v.Data {
		v.Data[i] = float32(r.NormFloat64())
	}
	return v
}
