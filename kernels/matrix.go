package kernels

import (
	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/qgemm"
)

// The operands of products, which package gemm defines.
type (
	View       = gemm.View
	Matrix     = gemm.Matrix
	Layout     = gemm.Layout
	Arithmetic = gemm.Arithmetic
	Form       = gemm.Form
	Scratch    = gemm.Scratch
	Tiles      = gemm.Tiles
)

// Packed weights and how they are made, which package qgemm defines.
type (
	PackedWeights = qgemm.PackedWeights
	PackedPart    = qgemm.PackedPart
	Quantizing    = qgemm.Quantizing
)

// The forms of a product: see [gemm.Form].
const (
	Plain      = gemm.Plain
	TransW     = gemm.TransW
	Accumulate = gemm.Accumulate
	TransX     = gemm.TransX
)

// The arithmetics of products: see [gemm.Arithmetic].
const (
	ArithmeticExact   = gemm.ArithmeticExact
	ArithmeticBF16    = gemm.ArithmeticBF16
	ArithmeticInt8    = gemm.ArithmeticInt8
	ArithmeticBF16MMA = gemm.ArithmeticBF16MMA
)

// The layouts of one number after the other.
var (
	F32          = gemm.F32
	BF16         = gemm.BF16
	F16          = gemm.F16
	BF16Products = gemm.BF16Products
	BF16MMA      = gemm.BF16MMA
)

// NewScratch is an empty scratch, which grows as it is used.
func NewScratch() *Scratch { return gemm.NewScratch() }
