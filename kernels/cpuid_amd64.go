//go:build !purego

package kernels

import "sync"

// cpuid is what the processor tells of itself in ECX for a leaf without parts.
//
//go:noescape
func cpuid(leaf uint32) (c uint32)

// hasF16C reports whether the processor converts half precision (leaf 1, bit 29), which x/sys/cpu does not tell.
func hasF16C() bool { return cpuid(1)>>29&1 == 1 }

// secondLevelCache is the bytes of a core's second-level cache (leaf 0x80000006, bits 16 to 31 in kB), or 0.
var secondLevelCache = sync.OnceValue(func() int { return int(cpuid(0x80000006)>>16) << 10 })
