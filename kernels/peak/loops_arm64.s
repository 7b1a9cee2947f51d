//go:build !purego

#include "textflag.h"

// Each loop keeps its accumulators in V0 to V23, and the two operands, u and v, in V30 and V31.

#define ZERO(r) VEOR r.B16, r.B16, r.B16

#define BEGIN \
	MOVD n+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD dst+16(FP), R2; \
	VLD1 (R1), [V30.B16, V31.B16]; \
	ZERO(V0); ZERO(V1); ZERO(V2); ZERO(V3); ZERO(V4); ZERO(V5); ZERO(V6); ZERO(V7); \
	ZERO(V8); ZERO(V9); ZERO(V10); ZERO(V11); ZERO(V12); ZERO(V13); ZERO(V14); ZERO(V15); \
	ZERO(V16); ZERO(V17); ZERO(V18); ZERO(V19); ZERO(V20); ZERO(V21); ZERO(V22); ZERO(V23)

#define STORE \
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R2); \
	VST1.P [V4.B16, V5.B16, V6.B16, V7.B16], 64(R2); \
	VST1.P [V8.B16, V9.B16, V10.B16, V11.B16], 64(R2); \
	VST1.P [V12.B16, V13.B16, V14.B16, V15.B16], 64(R2); \
	VST1.P [V16.B16, V17.B16, V18.B16, V19.B16], 64(R2); \
	VST1.P [V20.B16, V21.B16, V22.B16, V23.B16], 64(R2)

#define FMLA(r) VFMLA V30.S4, V31.S4, r.S4

// func fmaNEON(n int, x, dst *byte)
//
// fmaNEON is, of float32,
//
//	for range n {
//		for i := range acc {
//			acc[i] = FMA(u[i], v[i], acc[i])
//		}
//	}
TEXT ·fmaNEON(SB), NOSPLIT, $0-24
	BEGIN

step:
	FMLA(V0); FMLA(V1); FMLA(V2); FMLA(V3); FMLA(V4); FMLA(V5); FMLA(V6); FMLA(V7)
	FMLA(V8); FMLA(V9); FMLA(V10); FMLA(V11); FMLA(V12); FMLA(V13); FMLA(V14); FMLA(V15)
	FMLA(V16); FMLA(V17); FMLA(V18); FMLA(V19); FMLA(V20); FMLA(V21); FMLA(V22); FMLA(V23)
	SUBS $1, R0, R0
	BNE  step
	STORE
	RET

// SDOT Vr.4S, V30.16B, V31.16B, which Go's assembler does not know.
#define DOT(r) WORD $(0x4e9f97c0 + r)

// func int8DotNEON(n int, x, dst *byte)
//
// int8DotNEON equals int8Generic in peak/loops_generic.go, over registers of accumulators:
//
//	for range n {
//		for i := range acc {
//			acc[i] += u[4*i]*v[4*i] + u[4*i+1]*v[4*i+1] + u[4*i+2]*v[4*i+2] + u[4*i+3]*v[4*i+3]
//		}
//	}
TEXT ·int8DotNEON(SB), NOSPLIT, $0-24
	BEGIN

step:
	DOT(0); DOT(1); DOT(2); DOT(3); DOT(4); DOT(5); DOT(6); DOT(7)
	DOT(8); DOT(9); DOT(10); DOT(11); DOT(12); DOT(13); DOT(14); DOT(15)
	DOT(16); DOT(17); DOT(18); DOT(19); DOT(20); DOT(21); DOT(22); DOT(23)
	SUBS $1, R0, R0
	BNE  step
	STORE
	RET

// func readNEON(n int, p, dst *byte)
//
// readNEON equals readGeneric in peak/loops_generic.go:
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
TEXT ·readNEON(SB), NOSPLIT, $0-24
	MOVD n+0(FP), R0
	MOVD p+8(FP), R1
	MOVD dst+16(FP), R2
	VLD1 (R2), [V0.B16, V1.B16]
	ZERO(V2)
	ZERO(V3)
	LSL  $2, R0, R0

quarter:
	VLD1.P 64(R1), [V4.B16, V5.B16, V6.B16, V7.B16]
	VEOR V4.B16, V0.B16, V0.B16
	VEOR V5.B16, V1.B16, V1.B16
	VEOR V6.B16, V2.B16, V2.B16
	VEOR V7.B16, V3.B16, V3.B16
	SUBS $1, R0, R0
	BNE  quarter
	VEOR V2.B16, V0.B16, V0.B16
	VEOR V3.B16, V1.B16, V1.B16
	VST1 [V0.B16, V1.B16], (R2)
	RET
