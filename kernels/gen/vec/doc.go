// Program vec writes the assembly of the functions over slices: a file for each family of kernels/vec (elementwise_amd64.s,
// softmax_arm64.s, ...) with its declarations (elementwise_amd64.go, ...), and the tables (routines_amd64.go, routines_arm64.go). Each
// function is described once, over the operations that every instruction set has (functions.go), and lowered to AVX2, AVX-512 and NEON
// (amd64.go, arm64.go).
//
//	go generate ./kernels/vec
//
// No operation is a fused multiply-add: the Go loops that the functions equal to the bit are plain float32.
//
// May import: the standard library only.
package main
