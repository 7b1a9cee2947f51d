//go:build !purego

#include "textflag.h"

// Each loop keeps its accumulators in the first registers, and the two operands, u and v, in the last.

#define ZERO256(r) VPXOR r, r, r
#define ZERO512(r) VPXORD r, r, r

#define ZERO12 \
	ZERO256(Y0); ZERO256(Y1); ZERO256(Y2); ZERO256(Y3); ZERO256(Y4); ZERO256(Y5); \
	ZERO256(Y6); ZERO256(Y7); ZERO256(Y8); ZERO256(Y9); ZERO256(Y10); ZERO256(Y11)

#define STORE12 \
	VMOVUPS Y0, (DI); VMOVUPS Y1, 32(DI); VMOVUPS Y2, 64(DI); VMOVUPS Y3, 96(DI); \
	VMOVUPS Y4, 128(DI); VMOVUPS Y5, 160(DI); VMOVUPS Y6, 192(DI); VMOVUPS Y7, 224(DI); \
	VMOVUPS Y8, 256(DI); VMOVUPS Y9, 288(DI); VMOVUPS Y10, 320(DI); VMOVUPS Y11, 352(DI)

#define ZERO16 \
	ZERO512(Z0); ZERO512(Z1); ZERO512(Z2); ZERO512(Z3); ZERO512(Z4); ZERO512(Z5); ZERO512(Z6); ZERO512(Z7); \
	ZERO512(Z8); ZERO512(Z9); ZERO512(Z10); ZERO512(Z11); ZERO512(Z12); ZERO512(Z13); ZERO512(Z14); ZERO512(Z15)

#define STORE16 \
	VMOVUPS Z0, (DI); VMOVUPS Z1, 64(DI); VMOVUPS Z2, 128(DI); VMOVUPS Z3, 192(DI); \
	VMOVUPS Z4, 256(DI); VMOVUPS Z5, 320(DI); VMOVUPS Z6, 384(DI); VMOVUPS Z7, 448(DI); \
	VMOVUPS Z8, 512(DI); VMOVUPS Z9, 576(DI); VMOVUPS Z10, 640(DI); VMOVUPS Z11, 704(DI); \
	VMOVUPS Z12, 768(DI); VMOVUPS Z13, 832(DI); VMOVUPS Z14, 896(DI); VMOVUPS Z15, 960(DI)

#define ARGUMENTS \
	MOVQ n+0(FP), CX; \
	MOVQ x+8(FP), SI; \
	MOVQ dst+16(FP), DI

#define FMA256(r) VFMADD231PS Y14, Y15, r

// func fma256(n int, x, dst *byte)
//
// fma256 is, of float32,
//
//	for range n {
//		for i := range acc {
//			acc[i] = FMA(u[i], v[i], acc[i])
//		}
//	}
TEXT ·fma256(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Y14
	VMOVUPS 32(SI), Y15
	ZERO12

step:
	FMA256(Y0); FMA256(Y1); FMA256(Y2); FMA256(Y3); FMA256(Y4); FMA256(Y5)
	FMA256(Y6); FMA256(Y7); FMA256(Y8); FMA256(Y9); FMA256(Y10); FMA256(Y11)
	DECQ CX
	JNZ  step
	STORE12
	VZEROUPPER
	RET

#define FMA512(r) VFMADD231PS Z30, Z31, r

// func fma512(n int, x, dst *byte)
//
// fma512 is, of float32,
//
//	for range n {
//		for i := range acc {
//			acc[i] = FMA(u[i], v[i], acc[i])
//		}
//	}
TEXT ·fma512(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Z30
	VMOVUPS 64(SI), Z31
	ZERO16

step:
	FMA512(Z0); FMA512(Z1); FMA512(Z2); FMA512(Z3); FMA512(Z4); FMA512(Z5); FMA512(Z6); FMA512(Z7)
	FMA512(Z8); FMA512(Z9); FMA512(Z10); FMA512(Z11); FMA512(Z12); FMA512(Z13); FMA512(Z14); FMA512(Z15)
	DECQ CX
	JNZ  step
	STORE16
	VZEROUPPER
	RET

// VDPBF16PS Z31, Z30, Zr, which Go's assembler does not know: b2 holds the upper bit of r, b6 its lower three.
#define DPBF16(b2, b6) BYTE $0x62; BYTE b2; BYTE $0x0e; BYTE $0x40; BYTE $0x52; BYTE b6

// func bf16Dot512(n int, x, dst *byte)
//
// bf16Dot512 is, of bfloat16 in float32,
//
//	for range n {
//		for i := range acc {
//			acc[i] += u[2*i+1]*v[2*i+1] + u[2*i]*v[2*i]
//		}
//	}
TEXT ·bf16Dot512(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Z30
	VMOVUPS 64(SI), Z31
	ZERO16

step:
	DPBF16($0x92, $0xc7) // Z0
	DPBF16($0x92, $0xcf)
	DPBF16($0x92, $0xd7)
	DPBF16($0x92, $0xdf)
	DPBF16($0x92, $0xe7)
	DPBF16($0x92, $0xef)
	DPBF16($0x92, $0xf7)
	DPBF16($0x92, $0xff)
	DPBF16($0x12, $0xc7) // Z8
	DPBF16($0x12, $0xcf)
	DPBF16($0x12, $0xd7)
	DPBF16($0x12, $0xdf)
	DPBF16($0x12, $0xe7)
	DPBF16($0x12, $0xef)
	DPBF16($0x12, $0xf7)
	DPBF16($0x12, $0xff)
	DECQ CX
	JNZ  step
	STORE16
	VZEROUPPER
	RET

#define DPBUSD512(r) VPDPBUSD Z31, Z30, r

// func int8Dot512(n int, x, dst *byte)
//
// int8Dot512 equals int8Generic in peak/loops_generic.go, over registers of accumulators:
//
//	for range n {
//		for i := range acc {
//			acc[i] += u[4*i]*v[4*i] + u[4*i+1]*v[4*i+1] + u[4*i+2]*v[4*i+2] + u[4*i+3]*v[4*i+3]
//		}
//	}
TEXT ·int8Dot512(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Z30
	VMOVUPS 64(SI), Z31
	ZERO16

step:
	DPBUSD512(Z0); DPBUSD512(Z1); DPBUSD512(Z2); DPBUSD512(Z3); DPBUSD512(Z4); DPBUSD512(Z5); DPBUSD512(Z6); DPBUSD512(Z7)
	DPBUSD512(Z8); DPBUSD512(Z9); DPBUSD512(Z10); DPBUSD512(Z11); DPBUSD512(Z12); DPBUSD512(Z13); DPBUSD512(Z14); DPBUSD512(Z15)
	DECQ CX
	JNZ  step
	STORE16
	VZEROUPPER
	RET

// VPDPBUSD Y15, Y14, Yr in the form of AVX-VNNI; Go's assembler knows that of AVX-512 alone. b1 holds the upper bit of r,
// b4 its lower three.
#define DPBUSD256(b1, b4) BYTE $0xc4; BYTE b1; BYTE $0x0d; BYTE $0x50; BYTE b4

// func int8Dot256(n int, x, dst *byte)
//
// int8Dot256 equals int8Generic in peak/loops_generic.go, over registers of accumulators:
//
//	for range n {
//		for i := range acc {
//			acc[i] += u[4*i]*v[4*i] + u[4*i+1]*v[4*i+1] + u[4*i+2]*v[4*i+2] + u[4*i+3]*v[4*i+3]
//		}
//	}
TEXT ·int8Dot256(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Y14
	VMOVUPS 32(SI), Y15
	ZERO12

step:
	DPBUSD256($0xc2, $0xc7) // Y0
	DPBUSD256($0xc2, $0xcf)
	DPBUSD256($0xc2, $0xd7)
	DPBUSD256($0xc2, $0xdf)
	DPBUSD256($0xc2, $0xe7)
	DPBUSD256($0xc2, $0xef)
	DPBUSD256($0xc2, $0xf7)
	DPBUSD256($0xc2, $0xff)
	DPBUSD256($0x42, $0xc7) // Y8
	DPBUSD256($0x42, $0xcf)
	DPBUSD256($0x42, $0xd7)
	DPBUSD256($0x42, $0xdf)
	DECQ CX
	JNZ  step
	STORE12
	VZEROUPPER
	RET

// Five accumulators, each with a register for its products; Y13 holds ones.
#define MADD256(product, acc) \
	VPMADDUBSW Y15, Y14, product; \
	VPMADDWD   Y13, product, product; \
	VPADDD     product, acc, acc

// func int8Sum256(n int, x, dst *byte)
//
// int8Sum256 equals int8Generic in peak/loops_generic.go, over registers of accumulators:
//
//	for range n {
//		for i := range acc {
//			acc[i] += u[4*i]*v[4*i] + u[4*i+1]*v[4*i+1] + u[4*i+2]*v[4*i+2] + u[4*i+3]*v[4*i+3]
//		}
//	}
TEXT ·int8Sum256(SB), NOSPLIT, $0-24
	ARGUMENTS
	VMOVUPS (SI), Y14
	VMOVUPS 32(SI), Y15
	VPCMPEQW Y13, Y13, Y13
	VPSRLW  $15, Y13, Y13
	ZERO12

step:
	MADD256(Y5, Y0)
	MADD256(Y6, Y1)
	MADD256(Y7, Y2)
	MADD256(Y8, Y3)
	MADD256(Y9, Y4)
	DECQ CX
	JNZ  step
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VZEROUPPER
	RET

// func read256(n int, p, dst *byte)
//
// read256 equals readGeneric in peak/loops_generic.go:
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
TEXT ·read256(SB), NOSPLIT, $0-24
	MOVQ  n+0(FP), CX
	MOVQ  p+8(FP), SI
	MOVQ  dst+16(FP), DI
	VMOVUPS (DI), Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3

block:
	PREFETCHT1 4096(SI)
	PREFETCHT1 4160(SI)
	PREFETCHT1 4224(SI)
	PREFETCHT1 4288(SI)
	VPXOR (SI), Y0, Y0
	VPXOR 32(SI), Y1, Y1
	VPXOR 64(SI), Y2, Y2
	VPXOR 96(SI), Y3, Y3
	VPXOR 128(SI), Y0, Y0
	VPXOR 160(SI), Y1, Y1
	VPXOR 192(SI), Y2, Y2
	VPXOR 224(SI), Y3, Y3
	ADDQ  $256, SI
	DECQ  CX
	JNZ   block
	VPXOR Y1, Y0, Y0
	VPXOR Y3, Y2, Y2
	VPXOR Y2, Y0, Y0
	VMOVUPS Y0, (DI)
	VZEROUPPER
	RET
