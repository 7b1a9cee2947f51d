// Package peak measures what a machine can do at most: fused multiply-adds, products of bfloat16 and of bytes, and reading memory. Speeds
// of loupe are told as parts of these.
//
//	measure.go   Measure: the loops below, on all threads, the best of three
//	loops.go     a loop of one instruction over independent accumulators, for each machine (loops_amd64, _arm64, _generic, _other)
//	faster_amd64.go    which of two instructions for the same sums is the faster one here
//
// May import: the standard library and kernels/internal/cpu.
package peak
