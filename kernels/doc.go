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
// lanes in the tree of num.Lanes.Total. exp, sin, cos, erf and sigmoid are polynomials of the package's own. Every float32
// product that is added to something is rounded first, by an explicit conversion, since arm64 and GOAMD64=v3 would fuse
// it otherwise: FMA is the only fused operation. Denormals are kept; Go leaves MXCSR and FPCR that way.
//
// Functions over slices (norms, activations, softmax, rotary, sums) lie in package vec. An [Engine] has their methods by the path's
// routines.
//
// Products of bfloat16 ([BF16Products]) and with quantized weights ([PackedWeights]) have an arithmetic of their own, which is the
// same bits on every path, for any threads and for a row alone too: see rounded.go and quantmul.go. TestRoundedPaths,
// TestRoundedThreadsAndRowAlone, TestQuantizedPaths and TestQuantizedRowAloneAndThreads hold it.
//
// # What lies where
//
// Files with _amd64, _arm64, _linux, _generic or _other belong beside the file of the same name without it.
//
//	devices
//	  device.go, attention.go, buffer.go   Device: what the model asks of whatever computes
//	  cuda/                                a GPU as one: build tag cuda
//	the machine and its threads
//	  engine.go        Engine, and path: the table of one machine's routines
//	  forwith.go       Engine.For that allocates nothing
//	  paths.go         which paths a build has: paths_amd64, paths_arm64, paths_other
//	  memory.go        large pages for weights
//	operands
//	  matrix.go        View, and Matrix: weights where they lie
//	  layout.go        Layout, the interface of ways in which weights lie
//	  operand.go       the right operand of a product: what it looks up of a layout, and its panels
//	  layout_f32.go, layout_bf16.go, layout_f16.go   one number after the other
//	  layout_bf16products.go   those of bfloat16, for products of bfloat16
//	  packed.go        PackedWeights: weights of 8 or 4 bits, packed as kernels read them
//	  int8.go, int4.go, int4_zeros.go   their three forms
//	  quantize.go      how weights get 8 or 4 bits
//	products of law 1
//	  matmul.go        MatMul, Affine: blocking over columns, rows and steps
//	  parts.go         how much of the left operand is taken at a time, by the size of the caches
//	  pack.go, packx.go, byroutine.go   packing of both operands
//	  ahead.go the next panel, packed or asked for while this one is computed
//	  strip.go         products of a few rows, over weights where they lie
//	  columns.go       products and softmax of a panel of columns: attention is one
//	  tile.go          the innermost loop; matmul.go's twins have its assembly
//	products of bfloat16
//	  rounded.go       their arithmetic, and the same on machines without the instruction
//	  roundings.go     which of the ways a machine takes
//	products of quantized weights
//	  quantmul.go      the loop over panels
//	  xblock.go        a row of activations in 8 bits; activations.go has its assembly for arm64
//	  quanttile.go     the innermost loop; quantized.go and quantized_paths.go have its assembly and tables
//	  dequantize_block.go   weights back in float32, for a backward
//	  matrixunit.go, slabs.go, amx.go   many rows on Intel's AMX
//	assembly of products, and its declarations, a pair of files for each family
//	  tile_amd64.go, gemv_rows_avx2.go, gemv_rows_avx512.go, gemv_rows.go, gemv_cols.go
//	  bf16_tile.go, bf16_pack.go, bf16_gemv_rows_dot.go, bf16_gemv_rows_emulated.go, bf16_gemv_rows.go
//	  activations.go, unpack.go, dequantize_block.go
//	  qtile_int8_avx2.go, qtile_int8_avx512.go, qtile_int8_sdot.go, qtile_int8_neon.go
//	  qtile_int4_avx2.go, qtile_int4_avx512.go, qtile_int4_sdot.go, qtile_int4_neon.go
//	  qtile_int4_zeros_avx2.go, qtile_int4_zeros_avx512.go, qtile_int4_zeros_sdot.go, qtile_int4_zeros_neon.go
//	what is not here
//	  num/             scalar functions and reductions with bits of their own, in plain Go
//	  vec/             functions over slices: norms, activations, softmax, rotary
//	  peak/            what the machine could do at most, measured
//	  internal/cpu/    what the processor has; internal/pool/: the workers behind Engine.For
//
// # How a kernel is laid out
//
// A routine has a Go form that is always built (tile_generic.go, pack.go), an assembly form for each machine (tile_amd64.s),
// its declaration in the .go file of the same name (tile_amd64.go), whose comment is the Go loop that it replaces, and an
// entry in the table of paths. Programs below gen write the assembly and the declarations: go generate ./kernels.
// Tests run each path by name; LOUPE_REQUIRE_KERNELS=avx2,... turns a path that is missing from a skip into a failure.
//
// # Where do I put
//
// A SIMD kernel: a function over slices goes into vec, whose doc.go says how. For a product: the Go loop in the file of its function; the
// generator in gen/gemm; an entry in path or quantRoutines, filled in for each machine that has it (paths_amd64.go,
// quantized_paths_amd64.go). A nil entry means the Go loop. TestMatMulPaths and TestQuantizedPaths then compare it
// with that loop, and the tests of guard pages run it against memory that it may not touch.
//
// A layout of quantized weights: a type with the two methods of [Layout], in a file of its own; TestNewLayout has one, and every product,
// backward and row works with it, in float32. Where it has assembly to dequantize with, it has DequantizeBy too, and where its products have
// an arithmetic of their own, Arithmetic: see layout.go. What reads it from a file is a file in weights.
//
// A device: today the processor is the only one, and kernels/tensor holds an [Engine]. A device gets a folder of its own below
// kernels that may import only kernels; operations over whole views then go behind an interface in kernels/tensor, each
// beside its backward. What computes nothing and counts memory is an [Idle] engine.
//
// # Words
//
// Some words here are not those of the papers and libraries that a reader may know.
//
//	here                    elsewhere
//	law 1                   one order of fused multiply-adds for every output
//	path                    a set of kernels of one instruction set: dispatch, "ISA"
//	tile                    micro-kernel, mr x nr (BLIS)
//	panel                   packed micro-panel of B: nr columns, k steps
//	steps (of k)            the index of the sum; kBlock and tileSteps are kc (BLIS)
//	parts, leftPart         blocking of A: mc and kc
//	group, groupRows        blocking in the second-level cache
//	strip                   GEMV by rows, or GEMM with a small M, over weights that are not packed
//	fan                     GEMV by columns (axpy form), for weights with one step of k to a row
//	ahead, upcoming         software prefetch and pipelining: the next panel
//	BF16Products            bf16 x bf16 -> float32; swapped is that without the instruction
//	pairs                   VDPBF16PS's pairs of bfloat16
//	block                   32 steps of k; an xBlock is like a block_q8_0 of ggml
//	span                    blocks of activations with one scale: 1 or 4; a superblock
//	zero                    zero point
//	matrixUnit, slab        AMX, and its left operand: 16 rows of 64 bytes
//	widen                   convert to float32; of quantized weights, dequantize
//	lanes                   16 partial sums of a reduction
//	idle engine             meta device (PyTorch): shapes and memory only
//
// May import: the standard library, golang.org/x/sys and x448/float16.
package kernels
