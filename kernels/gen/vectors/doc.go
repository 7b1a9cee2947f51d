// Program vectors writes the assembly of the functions over slices, kernels/vector_amd64.s and kernels/vector_arm64.s, and the
// declarations beside them. Each function is described once, over the operations that every instruction set has
// (functions.go), and lowered to AVX2, AVX-512 and NEON (amd64.go, arm64.go).
//
//	go generate ./kernels
//
// No operation is a fused multiply-add: the Go loops that the functions equal to the bit are plain float32.
//
// May import: the standard library only.
package main
