//go:build !purego

#include "textflag.h"

// func dots(rows, k int, x *float32, w *uint16, dst *float32)
TEXT ·dots(SB), NOSPLIT, $0-40
	MOVQ rows+0(FP), CX
	MOVQ k+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ w+24(FP), BX
	MOVQ dst+32(FP), DI

row:
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1
	VPXORD Z2, Z2, Z2
	VPXORD Z3, Z3, Z3
	MOVQ   SI, R8
	MOVQ   DX, R9
	SHRQ   $6, R9

step:
	VPMOVZXWD   (BX), Z4
	VPMOVZXWD   32(BX), Z5
	VPMOVZXWD   64(BX), Z6
	VPMOVZXWD   96(BX), Z7
	VPSLLD      $16, Z4, Z4
	VPSLLD      $16, Z5, Z5
	VPSLLD      $16, Z6, Z6
	VPSLLD      $16, Z7, Z7
	VFMADD231PS (R8), Z4, Z0
	VFMADD231PS 64(R8), Z5, Z1
	VFMADD231PS 128(R8), Z6, Z2
	VFMADD231PS 192(R8), Z7, Z3
	ADDQ        $128, BX
	ADDQ        $256, R8
	DECQ        R9
	JNZ         step

	VADDPS        Z1, Z0, Z0
	VADDPS        Z3, Z2, Z2
	VADDPS        Z2, Z0, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VADDPS        Y1, Y0, Y0
	VEXTRACTF128  $1, Y0, X1
	VADDPS        X1, X0, X0
	VMOVHLPS      X0, X0, X1
	VADDPS        X1, X0, X0
	VMOVSHDUP     X0, X1
	VADDSS        X1, X0, X0
	VMOVSS        X0, (DI)
	ADDQ          $4, DI
	DECQ          CX
	JNZ           row
	VZEROUPPER
	RET
