package num

import (
	"math"

	"github.com/x448/float16"
)

// BF16ToF32 widens a bfloat16, exactly.
func BF16ToF32(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even. A NaN stays a NaN (made quiet, its sign and upper payload kept).
func F32ToBF16(x float32) uint16 {
	b := math.Float32bits(x)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// F16ToF32 widens an IEEE half, exactly.
func F16ToF32(b uint16) float32 { return float16.Frombits(b).Float32() }
