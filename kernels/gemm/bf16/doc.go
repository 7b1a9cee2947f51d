// Package bf16 multiplies bfloat16. Both operands are rounded, and each output is
//
//	for i := 0; i < k; i += 2 {
//		acc = FMA(x[i+1], w[i+1], acc) // 0 where k is odd and ends
//		acc = FMA(x[i], w[i], acc)
//	}
//
// in float32 from +0, which is what VDPBF16PS computes for its pair (as Intel's manual writes it down, and as tests find it on
// AMD's too), the odd step first and both of them fused. That instruction takes denormal operands for 0 and makes denormal
// results 0, and processors without it cannot do quite the same: ARM's flush looks at a result before it is rounded. So the mode
// keeps away from denormals: activations below 2^-49 and weights below 2^-63 in magnitude are rounded to +0. Every product is
// then a multiple of 2^-126, so every sum is one too, and none is denormal.
//
//	bf16.go        the rounding of both operands, and the same products by FMA: emulated
//	multiplier.go  Multiplier: rounds the left operand, and multiplies by gemm with the kernels of this package
//	ways.go        the ways in which a machine can do it (_amd64, _arm64, _other); dot_amd64.go by the instruction VDPBF16PS
//
// Its assembly is written by gen/gemm: pack, tile, gemv_rows (of emulated products and those by dot).
//
// May import: kernels/gemm, kernels/num, kernels/peak, kernels/internal and the standard library.
package bf16
