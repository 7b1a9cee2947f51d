package gemm

import "unsafe"

// PackRoutine is the assembly of a packing, of n rows or groups of steps: see packBF16AVX2 and widenBF16AVX2.
type PackRoutine func(n int, dst *float32, nr int, w unsafe.Pointer, stride int)

// PackFunc widens and transposes part of a matrix whose rows are the columns of a product: dst[j*nr+i] = element (r+i, c+j)
// of m, for i below rows and j below cols. See packF32Generic.
type PackFunc func(dst []float32, nr int, m Matrix, r, rows, c, cols int)
