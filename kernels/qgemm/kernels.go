package qgemm

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels/gemm"
)

// Kernels are what multiplies by packed weights with some instructions.
type Kernels struct {
	activations           activationsFunc
	int8, int4, int4Zeros formKernels
	amx                   *amxKernels // for many rows; nil for none
}

// formKernels are those for one form of packed weights.
type formKernels struct {
	tiles      []tile              // those of most rows first; the last is of one row
	unpack     unpackFunc          // to 8 bits; nil for weights of 8
	dequantize dequantizeBlockFunc // nil for none
}

// tile is a tileFunc and how many rows it computes.
type tile struct {
	rows int
	run  tileFunc
}

// tileFunc computes a tile of a few rows of x and the 32 columns of a panel: see tileGeneric. Rows of x are xStride blocks apart, rows of dst
// dstStride numbers. wGroup is how many blocks of weights have one scale, and xGroup how many of x; beside is zero points or sub-scales, by
// the form.
type tileFunc func(blocks int, x *q8Block, xStride int, w *byte, scales *uint16, beside *byte, wGroup int, dst *float32, dstStride int, xGroup int)

// unpackFunc unpacks so many blocks of 4-bit weights to bytes in the order of an 8-bit panel: sub-scale*(q-8) + bias, or q-zero + bias,
// where wGroup blocks in a row share a zero point. See unpackGeneric.
type unpackFunc func(blocks int, w *byte, beside *byte, wGroup int, to *byte, bias int)

// generic are the Go loops.
var generic = Kernels{
	activations: quantizeActivations,
	int8:        formKernels{tiles: []tile{{1, tileGeneric[int8Block]}}},
	int4:        formKernels{tiles: []tile{{1, subScalesTileGeneric}}, unpack: unpackGeneric},
	int4Zeros:   formKernels{tiles: []tile{{1, tileGeneric[int4Block]}}, unpack: unpackZerosGeneric},
}

// Sets are the kernels that go with those of package gemm of that name, the preferred ones first. They give the same bits.
func Sets(name string) []*Kernels {
	if sets := machineSets(name); sets != nil {
		return sets
	}
	return []*Kernels{&generic}
}

// preferred is the first of the sets of each name that this machine has.
var preferred = sync.OnceValue(func() map[string]*Kernels {
	out := map[string]*Kernels{}
	for _, ks := range gemm.Sets() {
		if ks.Available {
			out[ks.Name] = Sets(ks.Name)[0]
		}
	}
	return out
})

// kernelsOf are the preferred kernels of that name, or the Go loops.
func kernelsOf(name string) *Kernels {
	if ks := preferred()[name]; ks != nil {
		return ks
	}
	return &generic
}
