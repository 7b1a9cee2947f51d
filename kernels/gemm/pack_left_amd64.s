//go:build !purego

#include "textflag.h"

// func packLeft4(n int, dst *float32, mr int, x *float32, stride int)
//
// packLeft4 equals packLeftGeneric in gemm/pack_left.go, for four rows:
//
//	for i := range n * 4 {
//		for r := range 4 {
//			dst[i*mr+r] = x[r*stride+i]
//		}
//	}
TEXT ·packLeft4(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ mr+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ stride+32(FP), DX
	SHLQ $2, R9
	SHLQ $2, DX
	LEAQ (DX)(DX*2), R8
	LEAQ (R9)(R9*2), R10

steps:
	VMOVUPS (SI), X0
	VMOVUPS (SI)(DX*1), X1
	VMOVUPS (SI)(DX*2), X2
	VMOVUPS (SI)(R8*1), X3
	VUNPCKLPS X1, X0, X4
	VUNPCKHPS X1, X0, X5
	VUNPCKLPS X3, X2, X6
	VUNPCKHPS X3, X2, X7
	VUNPCKLPD X6, X4, X0
	VUNPCKHPD X6, X4, X1
	VUNPCKLPD X7, X5, X2
	VUNPCKHPD X7, X5, X3
	VMOVUPS X0, (DI)
	VMOVUPS X1, (DI)(R9*1)
	VMOVUPS X2, (DI)(R9*2)
	VMOVUPS X3, (DI)(R10*1)
	LEAQ (DI)(R9*4), DI
	ADDQ $16, SI
	DECQ CX
	JNZ  steps
	RET

// func packLeft2(n int, dst *float32, mr int, x *float32, stride int)
//
// packLeft2 equals packLeftGeneric in gemm/pack_left.go, for two rows:
//
//	for i := range n * 4 {
//		for r := range 2 {
//			dst[i*mr+r] = x[r*stride+i]
//		}
//	}
TEXT ·packLeft2(SB), NOSPLIT, $0-40
	MOVQ n+0(FP), CX
	MOVQ dst+8(FP), DI
	MOVQ mr+16(FP), R9
	MOVQ x+24(FP), SI
	MOVQ stride+32(FP), DX
	SHLQ $2, R9
	SHLQ $2, DX
	LEAQ (R9)(R9*2), R10

steps:
	VMOVUPS (SI), X0
	VMOVUPS (SI)(DX*1), X1
	VUNPCKLPS X1, X0, X2
	VUNPCKHPS X1, X0, X3
	VMOVLPS X2, (DI)
	VMOVHPS X2, (DI)(R9*1)
	VMOVLPS X3, (DI)(R9*2)
	VMOVHPS X3, (DI)(R10*1)
	LEAQ (DI)(R9*4), DI
	ADDQ $16, SI
	DECQ CX
	JNZ  steps
	RET
