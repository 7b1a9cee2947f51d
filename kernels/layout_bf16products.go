package kernels

import (
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/num"
)

// BF16Products is the [Layout] of BF16, whose products with the transposed matrix are those of bfloat16: both operands are rounded, and sums
// are float32. Everything else, as in a backward, takes the numbers as they are.
var BF16Products bfloat16Products

type bfloat16Products struct{ bfloat16Layout }

// Arithmetic implements [ArithmeticLayout].
func (bfloat16Products) Arithmetic() Arithmetic { return ArithmeticBF16 }

// BF16Products is m with its numbers rounded to bfloat16, on all threads, in the layout of that name: a copy, and copied is true, or, where
// m holds bfloat16, the same memory.
func (e *Engine) BF16Products(m Matrix) (out Matrix, copied bool) {
	if _, ok := m.Layout.(bfloat16Layout); ok {
		m.Layout = BF16Products
		return m, false
	}
	out = Matrix{Layout: BF16Products, Bits: cpu.NewWeights[uint16](m.Rows * m.Cols), Rows: m.Rows, Cols: m.Cols, Stride: m.Cols}
	e.For(m.Rows, 1+(1<<14)/(m.Cols+1), func(lo, hi int) {
		row := make([]float32, m.Cols)
		for r := lo; r < hi; r++ {
			m.Row(row, r)
			for c, v := range row {
				out.Bits[r*m.Cols+c] = num.F32ToBF16(v)
			}
		}
	})
	return out, true
}
