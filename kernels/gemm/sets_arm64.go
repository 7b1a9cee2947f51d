//go:build !purego

package gemm

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/vec"
)

// NEON are the kernels of every arm64 processor.
var NEON = &Kernels{
	Name: "neon", Available: true, MR: 4, NR: 16, Tile: tile4x16NEON, PackLeft: packLeftNEON,
	Vec: vec.NEON, PerElement: 1,
	Dense: []Routines{
		{
			Layout: F32, Pack: Packer(4, 4, 1, packF32NEON, packF32Generic), Widen: widenF32NEON, GEMVCols: gemvCols32NEON,
			GEMVRows: []GEMVRows{{4, 8, gemvRows4F32NEON}, {2, 16, gemvRows2F32NEON}, {1, 16, gemvRows1F32NEON}},
		},
		{
			Layout: BF16, Pack: Packer(4, 8, 1, packBF16NEON, packBF16Generic), Widen: widenBF16NEON,
			GEMVRows: []GEMVRows{{4, 8, gemvRows4BF16NEON}, {2, 16, gemvRows2BF16NEON}, {1, 16, gemvRows1BF16NEON}},
		},
		{
			Layout: F16, Pack: Packer(4, 4, 1, packF16NEON, packF16Generic), Widen: widenF16NEON,
			GEMVRows: []GEMVRows{{4, 8, gemvRows4F16NEON}, {2, 16, gemvRows2F16NEON}, {1, 16, gemvRows1F16NEON}},
		},
	},
}

func machineSets() []*Kernels { return []*Kernels{NEON} }

// packLeftNEON is PackLeftFunc by whole tiles, whose four rows are transposed as those of weights are; the rest in plain Go.
func packLeftNEON(dst []float32, mr int, x View, r, rows, k, steps int) {
	n := steps / 4
	if x.ColStride != 1 || rows < 4 || n == 0 {
		packLeftGeneric(dst, mr, x, r, rows, k, steps)
		return
	}
	packF32NEON(n, &dst[0], mr, unsafe.Pointer(&x.Data[r*x.RowStride+k]), x.RowStride)
	packLeftGeneric(dst[4*n*mr:], mr, x, r, rows, k+4*n, steps-4*n)
}

// tile4x16NEON is TileFunc for tiles of 4 x 16, the loop of tileGeneric:
//
//	for r := range 4 {
//		for c := range 16 {
//			acc := 0, or dst[r*stride+c] if accumulate != 0
//			for i := range k {
//				acc = FMA(x[i*4+r], w[i*16+c], acc)
//			}
//			dst[r*stride+c] = acc
//		}
//	}
//
//go:noescape
func tile4x16NEON(k int, x, w, dst *float32, stride int, accumulate int)
