//go:build !purego

package kernels

import (
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/vec"
)

//go:generate go run ./gen/gemm

// machinePaths lists the amd64 paths, the widest first.
func machinePaths() []*path {
	return []*path{
		{
			name: "avx512", available: cpu.AVX512, mr: 12, nr: 32, tile: tile12x32AVX512, half: tile12x16AVX512,
			low: lowTiles{tile4x32AVX512, tile8x32AVX512}, prefetch: cpu.Prefetch, packX: packXAVX, addRows: addRowsAVX512,
			vec: vec.AVX512, roundings: roundingsAVX512, quant: quantSets512(),
			dense: []denseRoutines{
				{
					layout: F32, pack: packer(16, 4, 1, packF32AVX512, packF32Generic), widen: widenF32AVX512, fan: fan32AVX512,
					strips: []strip{{8, 16, strip8F32AVX512}, {4, 16, strip4F32AVX512}, {2, 16, strip2F32AVX512}, {1, 16, oneRow(strip1F32AVX512, strip1F32NearAVX512)}},
				},
				{
					layout: BF16, pack: packer(16, 8, 1, packBF16AVX512, packBF16Generic), widen: widenBF16AVX512, packing: tile12x32PackingBF16AVX512,
					strips: []strip{{8, 16, strip8BF16AVX512}, {4, 16, strip4BF16AVX512}, {2, 16, strip2BF16AVX512}, {1, 16, oneRow(strip1BF16AVX512, strip1BF16NearAVX512)}},
				},
				{
					layout: F16, pack: packer(16, 4, 1, packF16AVX512, packF16Generic), widen: widenF16AVX512,
					strips: []strip{{8, 16, strip8F16AVX512}, {4, 16, strip4F16AVX512}, {2, 16, strip2F16AVX512}, {1, 16, oneRow(strip1F16AVX512, strip1F16NearAVX512)}},
				},
			},
		},
		{
			name: "avx2", available: cpu.AVX2, mr: 6, nr: 16, tile: tile6x16AVX2, half: tile6x8AVX2,
			low: lowTiles{tile2x16AVX2, tile4x16AVX2}, prefetch: cpu.Prefetch, packX: packXAVX, addRows: addRowsAVX2,
			vec: vec.AVX2, roundings: roundingsAVX2, quant: quantSets256(),
			dense: []denseRoutines{
				{
					layout: F32, pack: packer(8, 4, 1, packF32AVX2, packF32Generic), widen: widenF32AVX2, fan: fan32AVX2,
					strips: []strip{{8, 8, strip8F32AVX2}, {4, 16, strip4F32AVX2}, {2, 16, strip2F32AVX2}, {1, 16, strip1F32AVX2}},
				},
				{
					layout: BF16, pack: packer(8, 8, 1, packBF16AVX2, packBF16Generic), widen: widenBF16AVX2,
					strips: []strip{{8, 8, strip8BF16AVX2}, {4, 16, strip4BF16AVX2}, {2, 16, strip2BF16AVX2}, {1, 16, strip1BF16AVX2}},
				},
				{
					layout: F16, pack: packer(8, 4, 1, packF16AVX2, packF16Generic), widen: widenF16AVX2,
					strips: []strip{{8, 8, strip8F16AVX2}, {4, 16, strip4F16AVX2}, {2, 16, strip2F16AVX2}, {1, 16, strip1F16AVX2}},
				},
			},
		},
	}
}

// oneRow chooses how a strip of one row asks ahead: for what comes after it, or near. Where the third-level cache is far away (Emerald
// Rapids) asking near reads a third faster; on Zen 4 asking into the first-level cache was a fifth slower.
func oneRow(next, near stripFunc) stripFunc {
	if cpu.SecondLevelCache() >= farThirdLevel {
		return near
	}
	return next
}
