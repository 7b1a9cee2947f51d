//go:build !purego

#include "textflag.h"

// func cpuid(leaf uint32) (c uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-12
	MOVL  leaf+0(FP), AX
	XORL  CX, CX
	CPUID
	MOVL  CX, c+8(FP)
	RET
