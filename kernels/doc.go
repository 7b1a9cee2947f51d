// Package kernels holds the numeric kernels that everything in loupe computes with: plain functions over slices, a matrix
// product with assembly forms, and a pool of workers.
//
// # What is the same bits
//
// Law 1: every element of a matrix product is acc = fma(x[k], w[k], acc) in float32 for k = 0, 1, 2, ... from acc = +0 (or
// from what dst holds). Every path below computes exactly that, so all give the same bits:
//
//	path     machine                  tile     how it is chosen
//	avx512   amd64 with AVX-512F      12 x 32  --kernels avx512, or auto where it is there
//	avx2     amd64 with AVX2, FMA, F16C  6 x 16  --kernels avx2, or auto
//	neon     arm64                     4 x 16  --kernels neon, or auto
//	generic  every machine             4 x 16  --kernels generic, or auto elsewhere, or build tag purego
//
// and so do one thread and many, one row alone and the same row among others, and one product or the same in pieces of k.
// TestMatMulPaths, TestMatMulThreads, TestMatMulRowAlone and TestMatMulPieces hold it.
//
// Reductions that are no matrix products (norms, softmax) sum in 16 lanes, element i in lane i modulo 16, and then join the
// lanes in the tree of lanes.total. exp, sin, cos, erf and sigmoid are polynomials of the package's own. Every float32
// product that is added to something is rounded first, by an explicit conversion, since arm64 and GOAMD64=v3 would fuse
// it otherwise: FMA is the only fused operation. Denormals are kept; Go leaves MXCSR and FPCR that way.
//
// Functions over slices (norms, activations, softmax, rotary turns, sums) have a plain form, which is a function of the
// package, and a method of [Engine] that computes it by the path's routines: the same bits, but for the sign and payload of
// NaN. TestVectors and TestVectorsAllFloats hold it.
//
// Products of bfloat16 ([Matrix].Rounded) and with quantised weights ([Panels]) have an arithmetic of their own, which is the
// same bits on every path, for any threads and for a row alone too: see rounded.go and quantmul.go. TestRoundedPaths,
// TestRoundedThreadsAndRowAlone, TestQuantisedPaths and TestQuantisedRowAloneAndThreads hold it.
//
// # How a kernel is laid out
//
// A routine has a Go form that is always built (tile_generic.go, pack.go), an assembly form per machine (tile_amd64.s),
// its declarations (tile_amd64.go) whose comment is the Go loop that it replaces, and an entry in the table of paths.
// Tests run each path by name; LOUPE_REQUIRE_KERNELS=avx2,... turns a path that is missing from a skip into a failure.
//
// May import: the standard library, golang.org/x/sys and x448/float16.
package kernels
