package kernels

import "math"

// xBlock is a row of the left operand of a quantised product for one block of steps: x[k] is about Scale * Q[k].
type xBlock struct {
	Q      [blockSteps]int8
	Scale  float32 // max |x| / 127; NaN where the block holds an infinity or NaN
	Offset int32   // -zero * (the sum of Q): what a product begins with
}

// quantiseXFunc quantises a row: see quantiseXGeneric. len(dst) is how many blocks len(x) makes.
type quantiseXFunc func(dst []xBlock, x []float32, zero int32)

// tinyX is below what a block of x is taken for 0: 127 divided by it is still finite.
const tinyX = 0x1p-100

// quantiseXGeneric quantises a row of x, a block at a time: Scale = max |x| / 127 and Q = x * (127 / max |x|) to the nearest
// integer, ties to even. A row depends on no other, nor on where it is cut.
func quantiseXGeneric(dst []xBlock, x []float32, zero int32) {
	for b := range dst {
		quantiseBlock(&dst[b], x[b*blockSteps:min((b+1)*blockSteps, len(x))], zero)
	}
}

func quantiseBlock(dst *xBlock, x []float32, zero int32) {
	*dst = xBlock{}
	largest := uint32(0) // as bits, which are in the order of the magnitudes, NaN above all
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	most := math.Float32frombits(largest)
	if most < tinyX {
		return
	}
	if most-most != 0 {
		dst.Scale = float32(math.NaN())
		return
	}
	dst.Scale = most / 127
	inverse := 127 / most
	sum := int32(0)
	for i, v := range x {
		q := int32(math.Float32bits(float32(v*inverse)+roundingShift)) - roundingBits
		dst.Q[i] = int8(q)
		sum += q
	}
	dst.Offset = -zero * sum
}
