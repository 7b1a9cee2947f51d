// Package kernels computes: matrix products, functions over slices, and the devices that a model runs on. A CPU computes with the kernels of
// one set of instructions and a pool of workers: [Engine].
//
// # The tree
//
//	kernels/
//	  device.go, attention.go, buffer.go   Device: what a model asks of whatever computes
//	  engine.go        Engine: the kernels of one set of instructions, and the workers
//	  products.go, tiled.go   its products, and those of tiled attention
//	  matrix.go        names of packages gemm and qgemm: View, Matrix, Layout, Form, PackedWeights
//	  forwith.go       ForWith: Engine.For without an allocation
//	  memory.go        large pages for weights
//	  measure.go       Peaks: what a device with limits of its own can do at most
//	  copies.go        Copier: many arrays at once
//	  limited.go       Limited: a device whose memory is planned
//	  random.go        RandomWeights: weights to measure with, which each device makes by itself
//	  num/             scalar functions and reductions: fma, exp, trig, log, reduce, conversions, mix; plain Go
//	  vec/             functions over slices: norms, activations, softmax, rotary
//	  gemm/            matrix products by law 1: layouts of weights, packing, tiles, gemv, prefetching, tiled attention
//	    bf16/          products of bfloat16: by the dot-product instruction, or emulated
//	    gemmtest/      products to test kernels with
//	  qgemm/           products with packed integer weights: their forms, activations in 8 bits, tiles, AMX
//	  attention/       attention, forward beside backward
//	  cpu/             the CPU as a device; host/ how it sees arrays
//	  meta/            a device that knows shapes only
//	  devicetest/      a device to test with, whose memory is no slice of the program's
//	  peak/            what the machine can do at most, measured
//	  tensor/          the operations that models are written in, forward beside backward
//	  cuda/            an NVIDIA GPU as a device
//	  internal/        cpu/ what the processor has; pool/ the workers; for tests guard/, emulate/, kerneltest/, freeorder/
//	  gen/             gemm/ and vec/ write the assembly
//
// Each folder's doc.go lists its files. A file with _amd64, _arm64, _linux, _generic, _asm or _other belongs beside the file of the same name
// without it. Imports run downward: num, vec, gemm, qgemm, then kernels, then tensor.
//
// # What is the same bits
//
// Law 1: every element of a matrix product is acc = fma(x[k], w[k], acc) in float32 for k = 0, 1, 2, ... from acc = +0 (or
// from what dst holds). Every set of kernels computes exactly that, so all give the same bits:
//
//	kernels  machine                  tile     how they are chosen
//	avx512   amd64 with AVX-512F      12 x 32  --kernels avx512, or auto where it is there
//	avx2     amd64 with AVX2, FMA, F16C  6 x 16  --kernels avx2, or auto
//	neon     arm64                     4 x 16  --kernels neon, or auto
//	generic  every machine             4 x 16  --kernels generic, or auto elsewhere, or build tag purego
//
// and so do one thread and many, one row alone and the same row among others, and one product or the same in pieces of k. TestMatMulPaths,
// TestMatMulThreads, TestMatMulRowAlone and TestMatMulPieces in gemm hold it.
//
// Reductions that are no matrix products (norms, softmax) sum in 16 lanes, element i in lane i modulo 16, and then join the lanes in a tree:
// [num.Lanes]. exp, sin, cos, erf and sigmoid are polynomials of package num. Every float32 product that is added to something is rounded
// first, by an explicit conversion, since arm64 and GOAMD64=v3 would fuse it otherwise: num.FMA is the only fused operation. Denormals are
// kept; Go leaves MXCSR and FPCR that way. TestKernels and TestKernelsAllFloats in vec hold the assembly to the Go loops.
//
// Products of bfloat16 and with quantized weights have an arithmetic of their own, which is the same bits on every machine, for any threads
// and for a row alone too: see packages bf16 and qgemm. TestQuantizedPaths and TestQuantizedRowAloneAndThreads hold it.
//
// # How a kernel is laid out
//
// A routine has a Go loop that is always built (gemm/tile_generic.go), assembly for each machine (gemm/tile_amd64.s), its declaration in the
// .go file of the same name, and an entry in the table of a set of instructions (gemm/sets_amd64.go). Above the assembly and the declaration
// stand the loop that it equals, and the function that has it. Programs below gen write both: go generate ./kernels/...
//
// Tests run the kernels of each set of instructions by name, with operands against pages without access;
// LOUPE_REQUIRE_KERNELS=avx2,... turns a set that is missing from a skip into a failure.
//
// # Where do I put
//
// A SIMD kernel. A function over slices: its Go loop and its method in vec, a field in the table of vec/kernels.go, and its row in
// gen/vec/functions.go. A product: the Go loop in the file of its function, the generator in gen/gemm, which lists the families of routines in
// families.go, and an entry in gemm.Kernels or Routines, filled in for each machine that has it (gemm/sets_amd64.go). A nil entry means the Go loop.
// The tests of paths then compare the two.
//
// A layout of weights. It is a type with the two methods of [gemm.Layout], in a file of its own: every product, backward and row then works with
// it, in float32, as TestNewLayout shows. What reads it from a checkpoint is a scheme, a file in weights: see its doc.go. Where it has kernels, it is a
// form of packed weights in qgemm, or has the further methods that gemm/layout.go names.
//
// A device: a folder of its own below kernels, which may import only kernels, with a type that implements [Device] (device.go).
// kernels/cpu is the processor and the reference of every operation; kernels/devicetest shows how memory that is not the program's
// comes in: allocations with a handle (buffer.go), weights that PlaceWeight placed, and attention that shows rows to an
// [Inspector] only where somebody looks (attention.go). runtime/internal/device chooses the device of a model. With
// LOUPE_DEVICE=foreign the tests of runtime and runtime/train run on the latter; a new device takes its place there.
//
// An operation: a method of [Device], with its backward beside it; the same in cpu, meta and devicetest; and in kernels/tensor what
// records it on the tape.
//
// # Words
//
//	law 1             one order of fused multiply-adds for every output
//	kernels           what computes with one set of instructions ("ISA"): dispatch by table
//	step              one index k of the sum of a product; KC of them are computed at a time (kc of BLIS)
//	tile              micro-kernel of MR x NR (BLIS)
//	panel             packed micro-panel of the right operand: NR columns side by side for each step
//	left blocks       how much of the left operand is taken at a time: mc and kc of BLIS
//	gemv_rows         product of a few rows with weights whose rows are its columns, which are not packed
//	gemv_cols         the same for weights with a step to a row: axpy form
//	next panel        packed beside the tiles of this one, or prefetched
//	emulated          bfloat16 products by FMA over widened steps, where there is no dot-product instruction
//	element           of a panel: one number, or a pair of bfloat16
//	lanes             16 partial sums of a reduction
//	layout            how numbers of weights lie; dense: one number after the other
//	block             32 steps of packed weights or activations; a q8Block is like a block_q8_0 of ggml
//	superblock        4 blocks, the most of activations that share a scale
//	group             blocks with one scale
//	sub-scale         of a block of 4-bit weights, as in ggml's K-quants
//	widen             bfloat16 or half precision to float32; of quantized weights: dequantize
//	meta device       shapes and memory only (PyTorch)
//
// May import: the packages below it but tensor and cuda, the standard library, and x448/float16.
package kernels
