//go:build !purego

#include "textflag.h"

// V0 to V15 hold the tile, four to a row; V16 to V19 the panel's row, V20 to V23 the elements of x.
// func tile4x16NEON(k int, x, w, dst *float32, stride int, accumulate int)
//
// tile4x16NEON equals tileGeneric in gemm/tile_generic.go:
//
//	for r := range 4 {
//		for c := range 16 {
//			acc := 0, or dst[r*stride+c] if accumulate != 0
//			for i := range k {
//				acc = FMA(x[i*4+r], w[i*16+c], acc)
//			}
//			dst[r*stride+c] = acc
//		}
//	}
TEXT ·tile4x16NEON(SB), NOSPLIT, $0-48
	MOVD k+0(FP), R0
	MOVD x+8(FP), R1
	MOVD w+16(FP), R2
	MOVD dst+24(FP), R3
	MOVD stride+32(FP), R4
	LSL  $2, R4, R4
	MOVD accumulate+40(FP), R5
	CBNZ R5, load

	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16
	VEOR V8.B16, V8.B16, V8.B16
	VEOR V9.B16, V9.B16, V9.B16
	VEOR V10.B16, V10.B16, V10.B16
	VEOR V11.B16, V11.B16, V11.B16
	VEOR V12.B16, V12.B16, V12.B16
	VEOR V13.B16, V13.B16, V13.B16
	VEOR V14.B16, V14.B16, V14.B16
	VEOR V15.B16, V15.B16, V15.B16
	B    steps

load:
	MOVD R3, R6
	VLD1 (R6), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R4, R6, R6
	VLD1 (R6), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD  R4, R6, R6
	VLD1 (R6), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD  R4, R6, R6
	VLD1 (R6), [V12.S4, V13.S4, V14.S4, V15.S4]

steps:
	CBZ  R0, store

step:
	VLD1.P 64(R2), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1R.P 4(R1), [V20.S4]
	VLD1R.P 4(R1), [V21.S4]
	VLD1R.P 4(R1), [V22.S4]
	VLD1R.P 4(R1), [V23.S4]
	VFMLA V16.S4, V20.S4, V0.S4
	VFMLA V17.S4, V20.S4, V1.S4
	VFMLA V18.S4, V20.S4, V2.S4
	VFMLA V19.S4, V20.S4, V3.S4
	VFMLA V16.S4, V21.S4, V4.S4
	VFMLA V17.S4, V21.S4, V5.S4
	VFMLA V18.S4, V21.S4, V6.S4
	VFMLA V19.S4, V21.S4, V7.S4
	VFMLA V16.S4, V22.S4, V8.S4
	VFMLA V17.S4, V22.S4, V9.S4
	VFMLA V18.S4, V22.S4, V10.S4
	VFMLA V19.S4, V22.S4, V11.S4
	VFMLA V16.S4, V23.S4, V12.S4
	VFMLA V17.S4, V23.S4, V13.S4
	VFMLA V18.S4, V23.S4, V14.S4
	VFMLA V19.S4, V23.S4, V15.S4
	SUB  $1, R0, R0
	CBNZ R0, step

store:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R3)
	ADD  R4, R3, R3
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R3)
	ADD  R4, R3, R3
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R3)
	ADD  R4, R3, R3
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R3)
	RET
