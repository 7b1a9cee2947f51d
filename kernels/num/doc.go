// Package num holds the scalar functions and the reductions that give the same bits on every machine. They are plain Go, and the reference
// for every vector form in kernels/vec and every matrix product.
//
//	fma.go      FMA: a*b + c rounded once, which Go has only for float64
//	exp.go      Exp, Sigmoid, Tanh, Erf: polynomials
//	trig.go     Sin, Cos
//	log.go      Log in float64, and the inverse frequencies of rotary position embedding
//	reduce.go   Lanes: the one order of sums that are not matrix products; Sum, SumSquares, ArgMax, FirstNonFinite
//	convert.go  bfloat16 and IEEE half precision to float32 and back
//	mix.go      Mix64: what decides which elements a dropout leaves out
//
// Every product that is added to something is rounded first, by an explicit conversion: arm64 and GOAMD64=v3 would fuse it otherwise. FMA is
// the only fused operation. Denormals are kept.
//
// May import: the standard library and x448/float16.
package num
