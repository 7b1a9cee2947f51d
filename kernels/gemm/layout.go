package gemm

import (
	"fmt"
	"unsafe"
)

// Layout is how the numbers of a [Matrix] lie in memory. A new one is a type with these two methods, in a file of its own: products, rows
// of a table and backward passes then work, each number as Dequantize gives it. Both methods are called for a panel or a row, never for
// one element, and by many goroutines at a time.
//
// F32, BF16 and F16 keep their numbers in the Matrix. Other layouts keep them in the value that implements Layout: see [PackedWeights].
// A layout may also have Elements, DequantizeBy and Arithmetic: see [ElementLayout], [PathLayout] and [ArithmeticLayout].
type Layout interface {
	// Dequantize sets dst[i*stride+j] to element (r+i, c+j) of m as float32, for i below rows and j below cols, and nothing else of dst.
	Dequantize(dst []float32, stride int, m Matrix, r, rows, c, cols int)
	// Bytes is the memory that m takes: its numbers, scales and whatever else belongs to them.
	Bytes(m Matrix) int
}

// ElementLayout is a Layout of one number after the other, which assembly reads by address where there are routines for it.
type ElementLayout interface {
	Layout
	// Elements is where the numbers of m lie.
	Elements(m Matrix) Elements
}

// PathLayout is a Layout that dequantizes by assembly, to the same bits.
type PathLayout interface {
	// DequantizeBy is Dequantize by the kernels of that name: see [Options].
	DequantizeBy(path string, dst []float32, stride int, m Matrix, r, rows, c, cols int)
}

// ArithmeticLayout is a Layout whose products with the transposed matrix are not those of law 1.
type ArithmeticLayout interface {
	// Arithmetic is what they compute.
	Arithmetic() Arithmetic
}

// Arithmetic is what a product with a transposed matrix of weights computes. Each but ArithmeticBF16MMA keeps law 1 within itself: the same
// bits on every machine, for any threads and for a row alone. A device has some of them, and refuses weights of the others.
type Arithmetic uint8

// The arithmetics: float32 by law 1; that of products of bfloat16 (package bf16); that of integer weights and activations of 8 bits
// (package qgemm); and that of a GPU's bfloat16 tensor cores (kernels/cuda), which has bits of its own on each architecture.
const (
	ArithmeticExact Arithmetic = iota
	ArithmeticBF16
	ArithmeticInt8
	ArithmeticBF16MMA
	arithmetics
)

// String names the precision that has it.
func (a Arithmetic) String() string {
	if a >= arithmetics {
		return fmt.Sprintf("arithmetic %d", uint8(a))
	}
	return [arithmetics]string{"exact", "bf16", "int8", "bf16-mma"}[a]
}

// Portable reports whether its bits are the same on every machine.
func (a Arithmetic) Portable() bool { return a != ArithmeticBF16MMA }

// Arithmetic is that of products with the transposed matrix.
func (m Matrix) Arithmetic() Arithmetic {
	if l, ok := m.Layout.(ArithmeticLayout); ok {
		return l.Arithmetic()
	}
	return ArithmeticExact
}

// Elements is where the numbers of a matrix lie.
type Elements struct {
	Layout Layout         // how each number is stored
	First  unsafe.Pointer // of N
	N      int
	Stride int // how many numbers lie from one row to the next
	Size   int // bytes of each
}

// elementsOf are those of data, whose rows are stride apart.
func elementsOf[T any](l Layout, data []T, stride int) Elements {
	var one T
	return Elements{l, unsafe.Pointer(unsafe.SliceData(data)), len(data), stride, int(unsafe.Sizeof(one))}
}

// At is the address of element (r, c), which must be one of them.
func (e *Elements) At(r, c int) unsafe.Pointer {
	i := r*e.Stride + c
	if uint(i) >= uint(e.N) {
		panic("gemm: an operand ends before its last element")
	}
	return unsafe.Add(e.First, i*e.Size)
}

// line is how many elements are 64 bytes.
func (e *Elements) line() int { return 64 / e.Size }
