//go:build !purego

package gemm

import (
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// AVX512 and AVX2 are the kernels of these instructions. The processor must have them.
var (
	AVX512 = &Kernels{
		Name: "avx512", Available: cpu.AVX512, MR: 12, NR: 32, Tile: tile12x32AVX512, Half: tile12x16AVX512,
		Low: LowTiles{tile4x32AVX512, tile8x32AVX512}, Prefetch: cpu.Prefetch, PackLeft: packLeftAVX, AddRows: addRowsAVX512,
		Vec: vec.AVX512, PerElement: 1,
		Dense: []Routines{
			{
				Layout: F32, Pack: Packer(16, 4, 1, packF32AVX512, packF32Generic), Widen: widenF32AVX512, GEMVCols: gemvCols32AVX512,
				GEMVRows: []GEMVRows{{8, 16, gemvRows8F32AVX512}, {4, 16, gemvRows4F32AVX512}, {2, 16, gemvRows2F32AVX512}, {1, 16, OneRow(gemvRows1F32AVX512, gemvRows1F32NearAVX512)}},
			},
			{
				Layout: BF16, Pack: Packer(16, 8, 1, packBF16AVX512, packBF16Generic), Widen: widenBF16AVX512, Packing: tile12x32PackingBF16AVX512,
				GEMVRows: []GEMVRows{{8, 16, gemvRows8BF16AVX512}, {4, 16, gemvRows4BF16AVX512}, {2, 16, gemvRows2BF16AVX512}, {1, 16, OneRow(gemvRows1BF16AVX512, gemvRows1BF16NearAVX512)}},
			},
			{
				Layout: F16, Pack: Packer(16, 4, 1, packF16AVX512, packF16Generic), Widen: widenF16AVX512,
				GEMVRows: []GEMVRows{{8, 16, gemvRows8F16AVX512}, {4, 16, gemvRows4F16AVX512}, {2, 16, gemvRows2F16AVX512}, {1, 16, OneRow(gemvRows1F16AVX512, gemvRows1F16NearAVX512)}},
			},
		},
	}
	AVX2 = &Kernels{
		Name: "avx2", Available: cpu.AVX2, MR: 6, NR: 16, Tile: tile6x16AVX2, Half: tile6x8AVX2,
		Low: LowTiles{tile2x16AVX2, tile4x16AVX2}, Prefetch: cpu.Prefetch, PackLeft: packLeftAVX, AddRows: addRowsAVX2,
		Vec: vec.AVX2, PerElement: 1,
		Dense: []Routines{
			{
				Layout: F32, Pack: Packer(8, 4, 1, packF32AVX2, packF32Generic), Widen: widenF32AVX2, GEMVCols: gemvCols32AVX2,
				GEMVRows: []GEMVRows{{8, 8, gemvRows8F32AVX2}, {4, 16, gemvRows4F32AVX2}, {2, 16, gemvRows2F32AVX2}, {1, 16, gemvRows1F32AVX2}},
			},
			{
				Layout: BF16, Pack: Packer(8, 8, 1, packBF16AVX2, packBF16Generic), Widen: widenBF16AVX2,
				GEMVRows: []GEMVRows{{8, 8, gemvRows8BF16AVX2}, {4, 16, gemvRows4BF16AVX2}, {2, 16, gemvRows2BF16AVX2}, {1, 16, gemvRows1BF16AVX2}},
			},
			{
				Layout: F16, Pack: Packer(8, 4, 1, packF16AVX2, packF16Generic), Widen: widenF16AVX2,
				GEMVRows: []GEMVRows{{8, 8, gemvRows8F16AVX2}, {4, 16, gemvRows4F16AVX2}, {2, 16, gemvRows2F16AVX2}, {1, 16, gemvRows1F16AVX2}},
			},
		},
	}
)

func machineSets() []*Kernels { return []*Kernels{AVX512, AVX2} }

// OneRow chooses how the routine of one row prefetches: what comes after its rows, or their next lines (near). Where the third-level cache is far away (Emerald
// Rapids) near reads a third faster; on Zen 4 prefetching into the first-level cache was a fifth slower.
func OneRow(next, near GEMVRowsFunc) GEMVRowsFunc {
	if cpu.SecondLevelCache() >= FarThirdLevel {
		return near
	}
	return next
}
