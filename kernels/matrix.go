package kernels

import (
	"math"

	"github.com/x448/float16"
)

// View is a float32 matrix of (Rows, Cols) with any strides: element (r, c) is Data[r*RowStride+c*ColStride].
type View struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
}

// Matrix is a read-only matrix of (Rows, Cols) where it lies, in some [Layout].
type Matrix struct {
	Layout             Layout
	F32                []float32 // the numbers of layout F32
	Bits               []uint16  // those of 16 bits: BF16 and F16
	Rows, Cols, Stride int       // of layouts of one number after the other, element (r, c) is number r*Stride+c
}

// Row sets dst, Cols long, to row r in float32.
func (m Matrix) Row(dst []float32, r int) { m.Layout.Dequantize(dst, m.Cols, m, r, 1, 0, m.Cols) }

// Bytes is the memory that m takes.
func (m Matrix) Bytes() int { return m.Layout.Bytes(m) }

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
