//go:build !purego

package freeorder

import "golang.org/x/sys/cpu"

// available reports whether this processor has what dots needs.
func available() bool { return cpu.X86.HasAVX512F }

// dots sets dst[r] to the sum of x[i]*w[r*k+i] over i below k, for r below rows, in 64 partial sums. k is a multiple of 64, w
// bfloat16.
//
//go:noescape
func dots(rows, k int, x *float32, w *uint16, dst *float32)
