// Program matmul writes the assembly of the matrix products and its declarations, for AVX2 and AVX-512 each, and for NEON:
//
//	kernels/matmul_amd64.s       law 1: tiles over a packed panel, strips over the weights where they lie, the packing of a panel
//	kernels/rounded_amd64.s      the same for products of bfloat16
//	kernels/quantized_amd64.s    tiles over quantized panels, their unpacking and widening, and the quantizing of activations
//	kernels/amx_amd64.s          products of many rows with 8-bit weights on AMX
//	kernels/matmul_arm64.s       strips and packing, of bfloat16 products too (the tile is written by hand, tile_arm64.s)
//	kernels/quantized_arm64.s    tiles over quantized panels, and their unpacking
//	kernels/activations_arm64.s  the quantizing and rounding of activations
//
// The declarations are in the .go files of the same names.
//
//	go generate ./kernels
//
// May import: the standard library only.
package main
