// Package vec holds the functions over slices that are no matrix products: norms, activations, softmax, rotary position embedding, sums.
//
// Each file has a function's Go loop, then the same by assembly as a method of [Kernels], then its gradient. The loop is the reference:
// the method gives its bits on every machine, but for the sign and payload of NaN. TestKernels and TestKernelsAllFloats hold it.
//
//	kernels.go      Kernels: a machine's assembly routines; sets.go (_amd64, _arm64, _other) lists the sets of this build
//	elementwise.go  Add, Scale, AddScaled
//	rotary.go       Rotate
//	activation.go   QuickGELU, GELU, SwiGLU
//	softmax.go      Softmax of a row; columns.go: of all columns of a panel side by side
//	layernorm.go, rmsnorm.go, crossentropy.go
//	reduce.go       Sum, ArgMax, FirstNonFinite by assembly; their loops are in package num
//
// Assembly is written by gen/vec, a file for each of these families (elementwise_amd64.s, softmax_arm64.s, ...): go generate ./kernels/vec.
// Above each routine stands the loop that it equals.
//
// A new function: its Go loop and its method in a file here, a field in the table of kernels.go, and its row in gen/vec/functions.go. The
// generator lowers one description to AVX2, AVX-512 and NEON.
//
// May import: kernels/num, kernels/internal and the standard library.
package vec
