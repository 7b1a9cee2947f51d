package qgemm

import "math"

// superblock is how many blocks of a row of x share a scale where the groups of weights are as long: see [PackedWeights].
const (
	superblock      = 4
	superblockSteps = superblock * blockSteps
)

// q8Block is one block of a row of activations in 8 bits, as block_q8_0 of ggml is: x[k] is about Scale * Q[k].
type q8Block struct {
	Q      [blockSteps]int8
	Scale  float32 // max |x| / 127 of the block's group, the same in each of its blocks; NaN where it holds an infinity or NaN
	Offset int32   // -zero * (the sum of Q over the group, or over the block alone): what a sum begins with
}

// q8Options are how a row is quantized.
type q8Options struct {
	zero         int32
	group        int  // blocks with one scale: 1 or superblock
	blockOffsets bool // whether offsets are of blocks, and not of groups
}

// activationsFunc quantizes a row: see quantizeActivations. len(dst) is how many blocks len(x) makes.
type activationsFunc func(dst []q8Block, x []float32, how q8Options)

// tinyX is below what a group of x is taken for 0: 127 divided by it is still finite.
const tinyX = 0x1p-100

// quantizeActivations quantizes a row of x, a group at a time: Scale = max |x| / 127 and Q = x * (127 / max |x|) to the nearest
// integer, ties to even. A row depends on no other, nor on where it is cut.
func quantizeActivations(dst []q8Block, x []float32, how q8Options) {
	for b := 0; b < len(dst); b += how.group {
		end := min(b+how.group, len(dst))
		quantizeGroup(dst[b:end], x[b*blockSteps:min(end*blockSteps, len(x))], how)
	}
}

func quantizeGroup(dst []q8Block, x []float32, how q8Options) {
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
		if !how.blockOffsets {
			dst[b].Offset = sum
		}
	}
}
