// Package qgemm multiplies by packed integer weights: 8 or 4 bits, with scales for groups. Rows of the left operand are quantized to 8 bits, sums
// of a group are exact integers, and each is then scaled and added by a fused multiply-add. Every set of instructions, any number of threads and
// a row alone give the same bits: TestQuantizedPaths and TestQuantizedRowAloneAndThreads hold it.
//
//	weights
//	  packed.go       PackedWeights, a layout of gemm; int8.go, int4.go, int4_zeros.go: its three forms
//	  quantize.go     making them: the scale and the rounding of a group
//	  dequantize_block.go   the numbers again, for a backward
//	products
//	  multiplier.go   Multiplier: the loop over panels
//	  activations.go  a row of x in blocks of 8 bits
//	  amx.go, amx_pack.go   many rows on Intel's AMX
//	kernels
//	  kernels.go      Kernels: the table of one set of instructions; sets.go (_amd64, _arm64, _other, _asm) fills it in
//	  tile_generic.go the innermost loops in Go: the reference for the assembly; unpacking of 4 bits to 8
//
// Assembly is written by gen/gemm, a pair of files for each family: tile (of each form), unpack, activations, dequantize_block and amx. Above
// each routine stands the Go loop that it equals.
//
// Words: a block is 32 steps of k, a superblock 4 blocks. Weights of a group share a scale (and a zero point); of int4 each block has a sub-scale
// too, as K-quants of ggml have. Activations share a scale in groups of their own: a block, or a superblock where a group of weights is whole
// superblocks. The zero point is what stands for 0.
//
// A new form of packed weights is a file like int4.go, with its tiles in tile_generic.go and in the tables of those machines that have assembly for it.
// A layout that is only dequantized needs none of this: see gemm.Layout.
//
// May import: kernels/num, kernels/gemm, kernels/internal, the standard library and x448/float16.
package qgemm
