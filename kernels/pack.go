package kernels

import "unsafe"

// packRoutine is the assembly of a packing, of n rows or groups of steps: see packBF16AVX2 and widenBF16AVX2.
type packRoutine func(n int, dst *float32, nr int, w unsafe.Pointer, stride int)

// genericDense are the plain Go packings of the layouts.
var genericDense = []denseRoutines{{layout: F32, pack: packF32Generic}, {layout: BF16, pack: packBF16Generic}, {layout: F16, pack: packF16Generic}}

// packXGeneric is the plain Go packXFunc.
func packXGeneric(dst []float32, mr int, x View, r, rows, k, steps int) {
	for i := range rows {
		at := (r+i)*x.RowStride + k*x.ColStride
		for j := range steps {
			dst[j*mr+i] = x.Data[at]
			at += x.ColStride
		}
	}
}
