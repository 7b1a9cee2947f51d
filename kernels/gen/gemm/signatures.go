package main

import (
	"fmt"
	"strings"
)

// The signatures and doc comments of routines that machines have in common: what each is for, and the Go loop that it stands for.

// floatTileSignature is that of a TileFunc, packingTileSignature that of a PackingTile.
const (
	floatTileSignature   = "(k int, x, w, dst *float32, stride int, accumulate int)"
	packingTileSignature = "(k int, x, w, dst *float32, stride int, accumulate int, from unsafe.Pointer, fromStride int, to *float32, blocks int)"
)

// packSignature is that of a PackRoutine.
const packSignature = "(n int, dst *float32, nr int, w unsafe.Pointer, stride int)"

// file is the file of kernels that holds the Go loops of a kind.
func (k kind) file() string {
	switch k {
	case emulated:
		return "gemm/bf16/bf16.go"
	case paired:
		return "gemm/bf16/dot_amd64.go"
	}
	return "gemm/layout_" + strings.ToLower(k.name) + ".go"
}

// packedBy is the Go loop that packs a kind, and its file.
func (k kind) packedBy() string {
	if k.rounds() {
		return "pack" + k.name + " in " + k.file()
	}
	return "pack" + k.name + "Generic in " + k.file()
}

// packDoc is the doc comment of a packing of so many rows.
func (k kind) packDoc(name string, rows int) string {
	return fmt.Sprintf(`%s equals %[5]s. It widens %[2]d rows of weights, stride apart, and lays them side by side, nr
columns to a row of dst:

	for i := range n * %d {
		for r := range %[2]d {
			dst[i*nr+r] = %[4]s
		}
	}
`, name, rows, k.elements(), k.elementOf("w", "stride"), k.packedBy())
}

// widenCols is how many columns a widening takes.
const widenCols = 16

// widenDoc is the doc comment of a widening, whose signature is packSignature.
func (k kind) widenDoc(name string) string {
	return fmt.Sprintf(`%s equals Dequantize in %[3]s. It widens %[2]d columns of n rows of weights, stride apart, into rows of nr columns:

	for i := range n {
		for c := range %[2]d {
			dst[i*nr+c] = w[i*stride+c]
		}
	}
`, name, widenCols, k.file())
}

// gemvRowsSignature is that of a GEMVRowsFunc.
const gemvRowsSignature = "(lines int, x *float32, xStride int, w unsafe.Pointer, stride int, dst *float32, dstStride int, accumulate int)"

// gemvRowsDoc is the doc comment of such a routine.
func (k kind) gemvRowsDoc(name string, rows, cols int) string {
	return fmt.Sprintf(`%s equals tileGeneric in gemm/tile_generic.go, of weights where they lie, for %d rows of x and %d rows of weights, whose lines are 64 bytes:

	for r := range %[2]d {
		for c := range %[3]d {
			acc := 0, or dst[r*dstStride+c] if accumulate != 0
			for i := range lines * %d {
				%s
			}
			dst[r*dstStride+c] = acc
		}
	}
`, name, rows, cols, k.line(), k.product())
}

// gemvColsSignature is that of a GEMVColsFunc, of gemvColumns columns.
const (
	gemvColsSignature = "(k int, x, w *float32, stride int, dst *float32, accumulate int)"
	gemvColumns       = 32
)

// gemvColsDoc is the doc comment of a gemvCols.
func gemvColsDoc(name string) string {
	return fmt.Sprintf(`%s equals tileGeneric in gemm/tile_generic.go, for one row of x and weights with a step of k to a row:

	for c := range %d {
		acc := 0, or dst[c] if accumulate != 0
		for i := range k {
			acc = FMA(x[i], w[i*stride+c], acc)
		}
		dst[c] = acc
	}
`, name, gemvColumns)
}

// addRowsSignature is that of an AddRowsFunc.
const addRowsSignature = "(rows, n int, dst *float32, stride int, x *float32)"

// addRowsDoc is the doc comment of the addition of a row to some.
func addRowsDoc(name string) string {
	return name + ` equals Add in vec/elementwise.go, row by row:

	for r := range rows {
		for c := range 16 * n {
			dst[r*stride+c] += x[c]
		}
	}
`
}

// quantizeSignature is that of the quantizing of whole groups.
const quantizeSignature = "(n int, dst *q8Block, x *float32, zero int)"

// quantizeDoc is the doc comment of the quantizing of whole groups of so many blocks.
func quantizeDoc(name string, blocks int, own bool) string {
	return fmt.Sprintf(`%s equals quantizeActivations in qgemm/activations.go, for n whole groups of %d blocks:

	for s := range n {
		quantizeGroup(dst[%[2]d*s:][:%[2]d], x[%[3]d*s:][:%[3]d], q8Options{zero: int32(zero), group: %[2]d, blockOffsets: %[4]v})
	}
`, name, blocks, 32*blocks, own)
}

// unpackSignature is that of an unpackFunc.
const unpackSignature = "(blocks int, w *byte, beside *byte, wGroup int, to *byte, bias int)"

// unpackDoc is the doc comment of an unpacking.
func unpackDoc(name, value string) string {
	generic := map[string]string{withSubScale: "unpackGeneric", withZero: "unpackZerosGeneric"}[value]
	return fmt.Sprintf(`%s equals %s in qgemm/tile_generic.go: with q the low half of w[b][j][c][i] for j < 4, and the high half of w[b][j-4][c][i] for the others,

	for b := range blocks {
		for j := range 8 {
			for c := range 32 {
				for i := range 4 {
					to[b][j][c][i] = %s + bias
				}
			}
		}
	}
`, name, generic, value)
}

// What weights are unpacked to.
const withSubScale, withZero = "int8(beside[b][c])*(q-8)", "q - beside[b/wGroup][c]"

// roundSignature is that of the rounding of a row of x.
const roundSignature = "(n int, dst, x *float32)"

// roundEmulatedDoc is the doc comment of a rounding for kernels of emulation by FMA, so many numbers at a time.
func roundEmulatedDoc(name string, numbers int) string {
	return fmt.Sprintf(`%s equals roundEmulated in gemm/bf16/bf16.go, for n times %d numbers:

	for i := range %[2]d * n {
		dst[i] = BF16ToF32(roundActivation(x[i^1]))
	}
`, name, numbers)
}
