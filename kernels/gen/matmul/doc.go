// Program matmul writes the amd64 assembly of the matrix products, kernels/matmul_amd64.s, and its declarations,
// kernels/matmul_amd64.go: tiles over a packed panel, strips over the weights where they lie, and the packing of a panel, each
// for AVX2 and AVX-512.
//
//	go generate ./kernels
//
// May import: the standard library only.
package main
