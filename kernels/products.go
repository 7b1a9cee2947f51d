package kernels

import (
	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/qgemm"
)

// MatMul computes dst[r][c] = sum over k of x[r][k]*w(k, c), by law 1: acc = fma(x[r][k], w(k, c), acc) for k ascending,
// from +0, or from dst with Accumulate. w(k, c) is W[c][k] with TransW, else W[k][c]. dst must have a column stride of 1 and
// may not overlap x.
//
// With TransW alone, the product has the arithmetic of the weights' layout: see [Arithmetic]. Where that is not the exact one, the elements
// of a row of x must lie side by side. In every other form, as in a backward, weights stand for the float32 numbers that they hold.
func (e *Engine) MatMul(dst, x View, w Matrix, form Form) {
	if form == TransW {
		e.Affine(dst, x, w, nil)
	} else {
		e.exact.MatMul(dst, x, w, form)
	}
}

// Affine is MatMul with TransW, and then bias added to every row of dst: the same bits, but that dst is added to while it lies in
// the cache. bias is nil for none.
func (e *Engine) Affine(dst, x View, w Matrix, bias []float32) {
	switch a := w.Arithmetic(); a {
	case ArithmeticExact:
		e.exact.Affine(dst, x, w, bias)
	case ArithmeticBF16:
		e.bf16().Affine(dst, x, w, bias)
	case ArithmeticInt8:
		e.packed.Affine(dst, x, w, bias)
	default:
		panic("kernels: the processor has no products of " + a.String() + "; PlaceWeight should have refused the weight")
	}
}

// HasArithmetic reports whether the processor has products of that arithmetic.
func (e *Engine) HasArithmetic(a Arithmetic) bool {
	return a == ArithmeticExact || a == ArithmeticBF16 || a == ArithmeticInt8
}

// MatMulSerial is an exact MatMul on the caller's goroutine, for work that is itself a piece of a For.
func (e *Engine) MatMulSerial(s *Scratch, dst, x View, w Matrix, form Form) {
	e.exact.MatMulSerial(s, dst, x, w, form)
}

// BF16Products is m with its numbers rounded to bfloat16, on all threads, in the layout of that name: a copy, and copied is true, or, where
// m holds bfloat16, the same memory.
func (e *Engine) BF16Products(m Matrix) (out Matrix, copied bool) {
	return gemm.ToBF16(m, BF16Products, e.For)
}

// BF16MMA is BF16Products in the layout BF16MMA.
func (e *Engine) BF16MMA(m Matrix) (out Matrix, copied bool) { return gemm.ToBF16(m, BF16MMA, e.For) }

// Quantize rounds m to packed weights, on all threads: see [qgemm.Quantize].
func (e *Engine) Quantize(m Matrix, o Quantizing) (*PackedWeights, error) {
	return qgemm.Quantize(m, o, e.For)
}
