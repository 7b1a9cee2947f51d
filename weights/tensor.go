package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// Tensor is one named array, row-major, its bytes little-endian and lying
// wherever the file's map lies.
type Tensor struct {
	Name   string // as asked for; canonical in a Checkpoint
	DType  DType
	Shape  []int  // empty for a scalar
	Data   []byte // a view; never write to it
	File   string // the file it lies in
	Stored string // its name in that file
}

// Len is the number of elements.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// String is the tensor's name, type, shape and file, for messages.
func (t Tensor) String() string {
	return fmt.Sprintf("tensor %q (%s %s) of %s", t.Name, t.DType, ShapeString(t.Shape), t.File)
}

// Aligned reports whether Data begins at a multiple of the element size. Files
// written by this package and by safetensors since 0.3 are aligned throughout;
// in older ones the header's length may shift the data, and typed views copy.
func (t Tensor) Aligned() bool {
	size := t.DType.Size()
	return len(t.Data) == 0 || size == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(t.Data)))%uintptr(size) == 0
}

// F32 views an F32 tensor as float32. It is a view unless the data is
// misaligned (see Aligned) or the machine big-endian, where it is a copy. nil
// for any other type: check DType first, or use Float32s.
func (t Tensor) F32() []float32 {
	if t.DType != F32 {
		return nil
	}
	return view(t, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
}

// U16 views a BF16, F16 or U16 tensor as its bit patterns, under F32's terms.
func (t Tensor) U16() []uint16 {
	if t.DType != BF16 && t.DType != F16 && t.DType != U16 {
		return nil
	}
	return view(t, binary.LittleEndian.Uint16)
}

// I64 views an I64 tensor as int64, under F32's terms.
func (t Tensor) I64() []int64 {
	if t.DType != I64 {
		return nil
	}
	return view(t, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
}

func view[T any](t Tensor, decode func([]byte) T) []T {
	size := t.DType.Size()
	n := len(t.Data) / size
	if n == 0 {
		return []T{}
	}
	if t.Aligned() && littleEndian() {
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), n)
	}
	out := make([]T, n)
	for i := range out {
		out[i] = decode(t.Data[i*size:])
	}
	return out
}

func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
