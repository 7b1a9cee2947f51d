// Package gemm multiplies matrices by law 1: every element is acc = FMA(x[k], w[k], acc) in float32 for k = 0, 1, 2, ... in order. Every set
// of instructions, any number of threads, a row alone and a product in pieces give the same bits. Products of bfloat16 are in bf16, those
// with quantized weights in kernels/qgemm; both use what is here.
//
//	operands
//	  matrix.go      View, and Matrix: weights where they lie
//	  layout.go      Layout: how numbers lie in memory; layout_f32.go, layout_bf16.go, layout_f16.go: one number after the other;
//	                 layout_bf16products.go: bfloat16 whose products are those of bfloat16
//	  operand.go     what a product looks up of its weights once
//	the product
//	  multiplier.go  Multiplier: kernels, workers and memory; MatMul, Affine
//	  scratch.go     the memory of one goroutine
//	  product.go     the loops over panels, blocked for the caches
//	  blocking.go    how much is taken at a time: mc and kc of BLIS
//	  pack.go        packing of both operands: pack_asm.go by assembly, pack_left.go of the left one (pack_left_amd64.s)
//	  prefetch.go    the next panel: packed beside the tiles of this one, or prefetched
//	  gemv.go        products of a few rows, over weights where they lie: gemv_rows, gemv_cols
//	  tiled.go       products of panels that stay packed: tiled attention
//	kernels
//	  kernels.go     Kernels: the table of one set of instructions; sets.go (_amd64, _arm64, _other) fills it in
//	  tile_generic.go   the innermost loop in Go: the reference for all of this; tile_arm64.s by hand
//
// Assembly is written by gen/gemm, a pair of files for each family of routines: tile, pack, gemv_rows and gemv_cols. Above each routine
// stands the Go loop that it equals.
//
// May import: kernels/num, kernels/vec, kernels/internal and the standard library.
package gemm
