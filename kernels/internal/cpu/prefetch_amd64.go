//go:build !purego

package cpu

import "unsafe"

// Prefetch asks for lines of 64 bytes from p on, lines > 0, to be brought into the second-level cache. It is a hint, and may point anywhere.
//
//go:noescape
func Prefetch(lines int, p unsafe.Pointer)
