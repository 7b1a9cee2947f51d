//go:build !purego

package kernels

import "golang.org/x/sys/cpu"

// machinePaths lists the amd64 paths, the widest first.
func machinePaths() []*path {
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA && hasF16C()
	return []*path{
		{name: "avx512", available: avx2 && cpu.X86.HasAVX512F, mr: 12, nr: 32, tile: tile12x32AVX512, pack: packAVX2},
		{name: "avx2", available: avx2, mr: 6, nr: 16, tile: tile6x16AVX2, pack: packAVX2},
	}
}

// tile6x16AVX2 is tileFunc for tiles of 6 x 16:
//
//	for r := range 6 {
//		for c := range 16 {
//			acc := 0, or dst[r*stride+c] if accumulate != 0
//			for i := range k {
//				acc = FMA(x[i*6+r], w[i*16+c], acc)
//			}
//			dst[r*stride+c] = acc
//		}
//	}
//
//go:noescape
func tile6x16AVX2(k int, x, w, dst *float32, stride int, accumulate int)

// tile12x32AVX512 is tileFunc for tiles of 12 x 32: the loop of tile6x16AVX2 with 12 for 6 and 32 for 16.
//
//go:noescape
func tile12x32AVX512(k int, x, w, dst *float32, stride int, accumulate int)

// packF32x8 transposes 8 rows of n blocks of 8 columns, src[i*srcStride+j], to dst[j*dstStride+i].
//
//go:noescape
func packF32x8(dst *float32, dstStride int, src *float32, srcStride, n int)

// packBF16x8 is packF32x8 for bfloat16, widened.
//
//go:noescape
func packBF16x8(dst *float32, dstStride int, src *uint16, srcStride, n int)

// packF16x8 is packF32x8 for IEEE half precision, widened.
//
//go:noescape
func packF16x8(dst *float32, dstStride int, src *uint16, srcStride, n int)

// hasF16C reports whether the processor converts half precision (CPUID leaf 1, ECX bit 29), which x/sys/cpu does not tell.
func hasF16C() bool

// packAVX2 is packFunc by blocks of 8 x 8, with the rest in plain Go.
func packAVX2(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	blocks := cols / 8
	i := 0
	for ; blocks > 0 && i+8 <= rows; i += 8 {
		at := (r+i)*m.Stride + c
		switch m.Kind {
		case F32:
			packF32x8(&dst[i], nr, &m.F32[at], m.Stride, blocks)
		case BF16:
			packBF16x8(&dst[i], nr, &m.Bits[at], m.Stride, blocks)
		default:
			packF16x8(&dst[i], nr, &m.Bits[at], m.Stride, blocks)
		}
	}
	packGeneric(dst[i:], nr, m, r+i, rows-i, c, cols)
	if done := blocks * 8; i > 0 && done < cols {
		packGeneric(dst[done*nr:], nr, m, r, i, c+done, cols-done)
	}
}
