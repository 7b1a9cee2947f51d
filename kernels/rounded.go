package kernels

import "github.com/loupe-vl/loupe/kernels/num"

// Products of bfloat16. Both operands are rounded, and each output is
//
//	for i := 0; i < k; i += 2 {
//		acc = FMA(x[i+1], w[i+1], acc) // 0 where k is odd and ends
//		acc = FMA(x[i], w[i], acc)
//	}
//
// in float32 from +0, which is what VDPBF16PS computes for its pair (as Intel's manual writes it down, and as tests find it on
// AMD's too), the odd step first and both of them fused. That instruction takes denormal operands for 0 and makes denormal
// results 0, and processors without it cannot do quite the same: ARM's flush looks at a result before it is rounded. So the mode
// keeps away from denormals: activations below 2^-49 and weights below 2^-63 in magnitude are rounded to +0. Every product is
// then a multiple of 2^-126, so every sum is one too, and none is denormal.
const (
	tinyActivation = 0x1p-49
	normalWeight   = 0x6000 // exponent bits, of which one is set from 2^-63 on
)

// roundActivation is the bfloat16 nearest to x, ties to even, or +0 below tinyActivation. A NaN stays one.
func roundActivation(x float32) uint16 {
	if x > -tinyActivation && x < tinyActivation {
		return 0
	}
	return num.F32ToBF16(x)
}

// roundWeight is w, or +0 below 2^-63.
func roundWeight(w uint16) uint16 {
	if w&normalWeight == 0 {
		return 0
	}
	return w
}

// roundedWeight is element (r, c) of m, which holds bfloat16, as a product of bfloat16 takes it, 0 beyond its columns.
func roundedWeight(m Matrix, r, c int) uint16 {
	if c >= m.Cols {
		return 0
	}
	return roundWeight(m.Bits[r*m.Stride+c])
}

// roundXFunc rounds a row of the left operand into the steps that a path's tiles and strips take.
type roundXFunc func(dst, x []float32)

// roundXSwapped is the roundXFunc of paths that compute by FMA: widened again, the two of each pair swapped, so that the odd
// step comes first. len(dst) is len(x), or one more, if that is odd.
func roundXSwapped(dst, x []float32) {
	for i := 0; i+1 < len(x); i += 2 {
		dst[i], dst[i+1] = num.BF16ToF32(roundActivation(x[i+1])), num.BF16ToF32(roundActivation(x[i]))
	}
	if n := len(x); n%2 == 1 {
		dst[n-1], dst[n] = 0, num.BF16ToF32(roundActivation(x[n-1]))
	}
}

// packSwapped is the packFunc that goes with roundXSwapped. Steps are those of dst: (r, c+j) is column (c+j)^1 of m.
func packSwapped(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j := range cols {
			dst[j*nr+i] = num.BF16ToF32(roundedWeight(m, r+i, (c+j)^1))
		}
	}
}

// ways are all in which p can compute products of bfloat16; the first is the fastest.
func (p *path) ways() []*path {
	if p.roundings == nil {
		return []*path{p.swapped(roundXSwapped, denseRoutines{pack: packSwapped})}
	}
	return p.roundings(p)
}

// swapped is the path that computes products of bfloat16 by the tile of p, over widened and swapped steps: it rounds the left operand by
// roundX, and takes weights by those routines.
func (p *path) swapped(roundX roundXFunc, by denseRoutines) *path {
	out := *p
	by.layout = BF16
	out.dense, out.roundX, out.steps = []denseRoutines{by}, roundX, 1
	return &out
}

// matMulRounded computes dst = x Wᵀ in the arithmetic above, and adds bias, unless it is nil.
func (e *Engine) matMulRounded(dst, x View, w Matrix, bias []float32) {
	p := e.rounded()
	even := (x.Cols + 1) / 2 * 2
	cols := even / p.steps
	j := e.roundings.Get().(*roundingJob)
	defer e.roundings.Put(j)
	xs := View{Data: grow(&j.buf, dst.Rows*cols), Rows: dst.Rows, Cols: cols, RowStride: cols, ColStride: 1}
	j.p, j.x, j.xs = p, x, xs
	e.For(dst.Rows, 1+(1<<14)/(x.Cols+1), j.run)
	e.matMul(p, dst, xs, w, TransW, bias)
}

// roundingJob is the rounding of a left operand, handed to the pool. It is kept for the next one, with its memory: decoding
// allocates nothing.
type roundingJob struct {
	p     *path
	x, xs View
	buf   []float32
	run   func(lo, hi int) // rows, made once
}

func newRoundingJob() any {
	j := new(roundingJob)
	j.run = j.rows
	return j
}

// rows rounds rows [lo, hi).
func (j *roundingJob) rows(lo, hi int) {
	for r := lo; r < hi; r++ {
		j.p.roundX(j.xs.Data[r*j.xs.RowStride:][:j.xs.Cols], j.x.Data[r*j.x.RowStride:][:j.x.Cols])
	}
}
