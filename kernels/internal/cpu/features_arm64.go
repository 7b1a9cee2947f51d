//go:build !purego

package cpu

import "golang.org/x/sys/cpu"

// SDOT reports whether the processor has dot products of bytes (ARMv8.2). Every arm64 processor has NEON.
var SDOT = cpu.ARM64.HasASIMDDP
