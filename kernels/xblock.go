package kernels

import "math"

// spanBlocks is how many blocks of a row of x share a scale where the groups of weights are as long: see [Panels.span].
const spanBlocks = 4

// xBlock is a row of the left operand of a quantized product for one block of steps: x[k] is about Scale * Q[k].
type xBlock struct {
	Q      [blockSteps]int8
	Scale  float32 // max |x| / 127 of the block's span, the same in each of its blocks; NaN where it holds an infinity or NaN
	Offset int32   // -zero * (the sum of Q over the span, or over the block alone): what a sum begins with
}

// xSpans is how a row is quantized.
type xSpans struct {
	zero int32
	span int  // blocks with one scale: 1 or spanBlocks
	own  bool // whether offsets are of blocks, and not of spans
}

// quantizeXFunc quantizes a row: see quantizeXGeneric. len(dst) is how many blocks len(x) makes.
type quantizeXFunc func(dst []xBlock, x []float32, how xSpans)

// tinyX is below what a span of x is taken for 0: 127 divided by it is still finite.
const tinyX = 0x1p-100

// quantizeXGeneric quantizes a row of x, a span at a time: Scale = max |x| / 127 and Q = x * (127 / max |x|) to the nearest
// integer, ties to even. A row depends on no other, nor on where it is cut.
func quantizeXGeneric(dst []xBlock, x []float32, how xSpans) {
	for b := 0; b < len(dst); b += how.span {
		end := min(b+how.span, len(dst))
		quantizeSpan(dst[b:end], x[b*blockSteps:min(end*blockSteps, len(x))], how)
	}
}

func quantizeSpan(dst []xBlock, x []float32, how xSpans) {
	clear(dst)
	largest := uint32(0) // as bits, which are in the order of the magnitudes, NaN above all
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	most := math.Float32frombits(largest)
	if most < tinyX {
		return
	}
	scale := most / 127
	if most-most != 0 {
		scale, x = float32(math.NaN()), nil
	}
	inverse := 127 / most
	for i, v := range x {
		q := int32(math.Float32bits(float32(v*inverse)+roundingShift)) - roundingBits
		dst[i/blockSteps].Q[i%blockSteps] = int8(q)
		dst[i/blockSteps].Offset -= how.zero * q
	}
	sum := int32(0)
	for b := range dst {
		dst[b].Scale = scale
		sum += dst[b].Offset
	}
	for b := range dst {
		if !how.own {
			dst[b].Offset = sum
		}
	}
}
