package kernels

import "unsafe"

// packRoutine is the assembly of a packing, of n rows or groups of steps: see packBF16AVX2 and widenBF16AVX2.
type packRoutine func(n int, dst *float32, nr int, w unsafe.Pointer, stride int)

// packGeneric is the plain Go packFunc.
func packGeneric(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		at := (r+i)*m.Stride + c
		switch m.Kind {
		case F32:
			for j, v := range m.F32[at : at+cols] {
				dst[j*nr+i] = v
			}
		case BF16:
			for j, b := range m.Bits[at : at+cols] {
				dst[j*nr+i] = BF16ToF32(b)
			}
		default:
			for j, b := range m.Bits[at : at+cols] {
				dst[j*nr+i] = F16ToF32(b)
			}
		}
	}
}

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
