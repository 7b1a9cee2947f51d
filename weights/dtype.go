package weights

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// DType is an element type as a safetensors header spells it.
type DType string

// The element types of safetensors. The model computes with three of them; the
// others are read so that any file can be looked at.
const (
	F64    DType = "F64"
	F32    DType = "F32"
	F16    DType = "F16"
	BF16   DType = "BF16"
	F8E4M3 DType = "F8_E4M3"
	F8E5M2 DType = "F8_E5M2"
	I64    DType = "I64"
	I32    DType = "I32"
	I16    DType = "I16"
	I8     DType = "I8"
	U64    DType = "U64"
	U32    DType = "U32"
	U16    DType = "U16"
	U8     DType = "U8"
	Bool   DType = "BOOL"
	C64    DType = "C64"     // two F32
	F8E8M0 DType = "F8_E8M0" // scales: powers of two
	F6E2M3 DType = "F6_E2M3" // 6 bits
	F6E3M2 DType = "F6_E3M2"
	F4     DType = "F4" // two in a byte
)

// bits is the number of bits of one element, 0 for an unknown type.
func (d DType) bits() int {
	switch d {
	case F64, I64, U64, C64:
		return 64
	case F32, I32, U32:
		return 32
	case F16, BF16, I16, U16:
		return 16
	case I8, U8, Bool, F8E4M3, F8E5M2, F8E8M0:
		return 8
	case F6E2M3, F6E3M2:
		return 6
	case F4:
		return 4
	}
	return 0
}

// Size is the number of bytes of one element; 0 for an unknown type and for one
// whose elements are no whole bytes.
func (d DType) Size() int {
	if d.bits()%8 != 0 {
		return 0
	}
	return d.bits() / 8
}

// HasStatistics reports whether Statistics can read this type.
func (d DType) HasStatistics() bool { return d.Size() > 0 && d != C64 && d != F8E8M0 }

// IsModelFloat reports whether the model's kernels take this type: F32, F16 or BF16.
func (d DType) IsModelFloat() bool { return d == F32 || d == F16 || d == BF16 }

// rank orders types as the reference implementation lays them out in a file:
// larger alignment first, and a fixed order among equals.
func (d DType) rank() int {
	for i, x := range [...]DType{U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, F8E4M3, F8E5M2, I8, U8, Bool} {
		if x == d {
			return i
		}
	}
	return math.MaxInt
}

// elements multiplies a shape out; a scalar (no dimensions) has one element.
// It fails on a negative dimension or where the byte length overflows an int.
func elements(d DType, shape []int) (n, size int, err error) {
	if d.bits() == 0 {
		return 0, 0, fmt.Errorf("dtype %q is unknown", string(d))
	}
	product := uint64(1)
	for _, dim := range shape {
		if dim < 0 {
			return 0, 0, fmt.Errorf("shape %s has a negative dimension", ShapeString(shape))
		}
		hi, lo := bits.Mul64(product, uint64(dim))
		if hi != 0 || lo > math.MaxInt {
			return 0, 0, fmt.Errorf("shape %s overflows", ShapeString(shape))
		}
		product = lo
	}
	hi, lo := bits.Mul64(product, uint64(d.bits()))
	if hi != 0 || lo/8 > math.MaxInt {
		return 0, 0, fmt.Errorf("shape %s of %s overflows", ShapeString(shape), d)
	}
	if lo%8 != 0 {
		return 0, 0, fmt.Errorf("shape %s of %s is no whole number of bytes", ShapeString(shape), d)
	}
	return int(product), int(lo / 8), nil
}

// ShapeString writes a shape as "[576 64]"; -1 stands for any size and is
// written "*".
func ShapeString(shape []int) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = strconv.Itoa(d)
		if d == -1 {
			parts[i] = "*"
		}
	}
	return "[" + strings.Join(parts, " ") + "]"
}
