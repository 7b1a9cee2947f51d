package gemm

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

// BF16MMA is the [Layout] of BF16, whose products with the transposed matrix are those of a GPU's tensor cores: see kernels/cuda. Everything
// else takes the numbers as they are.
var BF16MMA bfloat16MMA

type bfloat16MMA struct{ bfloat16Layout }

// Arithmetic implements [ArithmeticLayout].
func (bfloat16MMA) Arithmetic() Arithmetic { return ArithmeticBF16MMA }

// ToBF16 is w with its numbers rounded to bfloat16 in a layout of those, BF16Products or BF16MMA: a copy, and copied is true, or, where w
// holds bfloat16, the same memory. parallel runs a function over ranges of rows: see pool.Pool.For.
func ToBF16(w Matrix, as Layout, parallel func(n, grain int, f func(lo, hi int))) (out Matrix, copied bool) {
	if _, ok := w.Layout.(bfloat16Layout); ok {
		w.Layout = as
		return w, false
	}
	out = Matrix{Layout: as, Bits: cpu.NewWeights[uint16](w.Rows * w.Cols), Rows: w.Rows, Cols: w.Cols, Stride: w.Cols}
	parallel(w.Rows, 1+(1<<14)/(w.Cols+1), func(lo, hi int) {
		row := make([]float32, w.Cols)
		for r := lo; r < hi; r++ {
			w.Row(row, r)
			for c, v := range row {
				out.Bits[r*w.Cols+c] = num.F32ToBF16(v)
			}
		}
	})
	return out, true
}
