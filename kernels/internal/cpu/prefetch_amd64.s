//go:build !purego

#include "textflag.h"

// func Prefetch(lines int, p unsafe.Pointer)
TEXT ·Prefetch(SB), NOSPLIT, $0-16
	MOVQ lines+0(FP), CX
	MOVQ p+8(FP), SI

line:
	PREFETCHT1 (SI)
	ADDQ $64, SI
	DECQ CX
	JNZ  line
	RET
