//go:build !purego

package kernels

import "unsafe"

// prefetch asks for lines of 64 bytes, lines > 0, from p on to be brought into the second-level cache. It touches nothing.
//
//go:noescape
func prefetch(lines int, p unsafe.Pointer)
