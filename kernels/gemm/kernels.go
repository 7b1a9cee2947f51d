package gemm

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/vec"
)

//go:generate go run ../gen/gemm -dir ..

// Kernels are what multiplies with one set of instructions.
type Kernels struct {
	Name      string // as the option has it: "avx512"
	Available bool   // on this processor
	MR, NR    int    // rows and columns of a tile
	Tile      TileFunc
	Half      TileFunc // of the first NR/2 columns of a panel; nil for none
	Low       LowTiles
	Prefetch  PrefetchFunc // nil for none
	PackLeft  PackLeftFunc
	AddRows   AddRowsFunc // nil: by Vec.Add, row by row
	Dense     []Routines  // for each layout of one number after the other
	Vec       *vec.Kernels
	// PerElement is how many numbers of a row of weights one element of a panel stands for: 2 where an element is a pair of bfloat16, and
	// else 1.
	PerElement int
}

// TileFunc computes one tile of a product: dst[r*stride+c] = fma chain of x[k*MR+r] and w[k*NR+c] over k ascending, for r
// below MR and c below NR, from +0, or from dst if accumulate is not 0. See tileGeneric.
type TileFunc func(k int, x, w, dst *float32, stride int, accumulate int)

// LowTiles are tiles of the first third and the first two thirds of MR rows, for what is left below the last whole tile; nil
// for none.
type LowTiles [2]TileFunc

// PrefetchFunc asks for lines of 64 bytes from p on: a hint.
type PrefetchFunc func(lines int, p unsafe.Pointer)

// AddRowsFunc adds x, n times 16 numbers, to each of some rows of dst: see addRowsAVX2. Neither rows nor n is 0.
type AddRowsFunc func(rows, n int, dst *float32, stride int, x *float32)

// Routines are what a set of instructions has for one layout of one number after the other. What is nil is not done so.
type Routines struct {
	Layout   Layout
	Pack     PackFunc
	Widen    PackRoutine // of 16 columns of weights whose rows are steps of k
	Packing  PackingTile // packs the next panel beside a tile
	GEMVRows []GEMVRows  // those of most rows first; nil: products of few rows go by panels too
	GEMVCols GEMVColsFunc
}

// Generic are the Go loops.
var Generic = &Kernels{
	Name: "generic", Available: true, MR: 4, NR: 16, Tile: tileGeneric, PackLeft: packLeftGeneric, Vec: vec.Generic, PerElement: 1,
	Dense: []Routines{{Layout: F32, Pack: packF32Generic}, {Layout: BF16, Pack: packBF16Generic}, {Layout: F16, Pack: packF16Generic}},
}

// Sets lists the kernels of this build, the preferred ones first. The last are the Go loops.
func Sets() []*Kernels { return append(machineSets(), Generic) }

// tiles is how many tiles so many rows are.
func (ks *Kernels) tiles(rows int) int { return (rows + ks.MR - 1) / ks.MR }

// AddBias adds bias, unless it is nil, to columns [lo, hi) of rows [first, end) of dst.
func (ks *Kernels) AddBias(dst View, bias []float32, first, end, lo, hi int) {
	if bias == nil || first == end || lo == hi {
		return
	}
	bias = bias[lo:hi]
	if cols := hi - lo; ks.AddRows != nil && cols%16 == 0 {
		rows := dst.Data[first*dst.RowStride+lo:][:(end-first-1)*dst.RowStride+cols]
		ks.AddRows(end-first, cols/16, &rows[0], dst.RowStride, &bias[0])
		return
	}
	for r := first; r < end; r++ {
		row := dst.Data[r*dst.RowStride+lo : r*dst.RowStride+hi]
		ks.Vec.Add(row, row, bias)
	}
}
