// Program gemm writes the assembly of the matrix products and its declarations: a pair of files for each family of routines, listed in
// families.go, for AVX2 and AVX-512, and for NEON. The tile of law 1 for NEON is written by hand (gemm/tile_arm64.s).
//
//	families.go     the files, and what each holds
//	library.go      constants and macros; a file gets those that it uses
//	signatures.go   the Go loop of routines that machines have in common, which stands above each
//	machine.go      AVX2 and AVX-512: registers, transposing, widening
//	tile.go, packing.go, gemv_rows.go, gemv_cols.go, widen.go   products of law 1
//	bf16.go         those of bfloat16
//	quantized.go, quantized256.go, quantize.go, unpack.go, widenblock.go, amx.go   those with quantized weights
//	neon.go, neon_exact.go, neon_activations.go       the same for NEON
//
//	go generate ./kernels/...
//
// May import: the standard library only.
package main
