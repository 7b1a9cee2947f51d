package kernels

import (
	"math"
	"unsafe"

	"github.com/x448/float16"
)

// Kind is how the elements of a [Matrix] are stored.
type Kind uint8

// The kinds of elements: float32, bfloat16, IEEE half precision, and integers with scales in [Panels].
const (
	F32 Kind = iota
	BF16
	F16
	Quantized
)

// View is a float32 matrix of (Rows, Cols) with any strides: element (r, c) is Data[r*RowStride+c*ColStride].
type View struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
}

// Matrix is a read-only matrix of (Rows, Cols) where it lies: element (r, c) is at r*Stride+c of F32, or of Bits for the
// 16-bit kinds.
type Matrix struct {
	Kind               Kind
	F32                []float32
	Bits               []uint16
	Panels             *Panels // of kind Quantized, and of no other
	Rows, Cols, Stride int
	// Rounded makes products with the transposed matrix those of bfloat16: see MatMul.
	Rounded bool
}

// Row widens row r into dst, Cols long.
func (m Matrix) Row(dst []float32, r int) {
	widen(dst[:m.Cols], m, r*m.Stride)
}

// size is the bytes of an element.
func (k Kind) size() int {
	if k == F32 {
		return 4
	}
	return 2
}

// widen converts len(dst) elements of m that begin at offset at.
func widen(dst []float32, m Matrix, at int) {
	switch m.Kind {
	case F32:
		copy(dst, m.F32[at:at+len(dst)])
	case BF16:
		for i, b := range m.Bits[at : at+len(dst)] {
			dst[i] = BF16ToF32(b)
		}
	case Quantized:
		if len(dst) > 0 {
			m.Panels.dequantize(dst, at/m.Stride, at%m.Stride)
		}
	default:
		for i, b := range m.Bits[at : at+len(dst)] {
			dst[i] = F16ToF32(b)
		}
	}
}

// at is the address of element (r, c).
func (m Matrix) at(r, c int) unsafe.Pointer {
	if m.Kind == F32 {
		return unsafe.Pointer(&m.F32[r*m.Stride+c])
	}
	return unsafe.Pointer(&m.Bits[r*m.Stride+c])
}

// span is the address of row r, after a check that rows [r, r+rows) are there.
func (m Matrix) span(r, rows int) unsafe.Pointer {
	_ = m.at(r+rows-1, m.Cols-1)
	return m.at(r, 0)
}

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
