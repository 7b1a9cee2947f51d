//go:build !purego

package cpu

import "sync"

// cpuid is register ECX of the CPUID instruction, for a leaf without parts.
//
//go:noescape
func cpuid(leaf uint32) (c uint32)

// hasF16C reports whether the processor converts half precision: leaf 1, bit 29.
func hasF16C() bool { return cpuid(1)>>29&1 == 1 }

// SecondLevelCache is the size of a core's second-level cache in bytes (leaf 0x80000006, bits 16 to 31 in kB), or 0 where it is not
// known.
var SecondLevelCache = sync.OnceValue(func() int { return int(cpuid(0x80000006)>>16) << 10 })
