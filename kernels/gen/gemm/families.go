package main

import "strings"

// family is a pair of files: assembly and the declarations of its routines.
type family struct {
	file  string // below kernels, without its ending
	write func(g *generator)
}

// avx2 and avx512 are the machines of amd64.
var avx2, avx512 = machines[0], machines[1]

// families are all files, those of a family for each machine.
var families = append([]family{
	// Law 1: tiles over packed panels, the packing of panels, and products of few rows over weights where they lie.
	{"gemm/tile_amd64", func(g *generator) {
		avx2.tiles(g, false)
		avx512.tiles(g, false)
		avx512.tile(g, avx512.mr, 2, false, &bf16) // AVX2's tiles leave no time: packing on the side gains nothing there
	}},
	{"gemm/pack_amd64", func(g *generator) {
		for _, m := range machines {
			for _, k := range kinds {
				m.widen(g, k)
				m.pack(g, k)
			}
		}
	}},
	{"gemm/pack_arm64", func(g *generator) {
		for _, k := range kinds {
			g.widenNEON(k)
			g.packNEON(k)
		}
	}},
	{"gemm/gemv_rows_avx2_amd64", func(g *generator) { avx2.gemvRows(g, kinds...) }},
	{"gemm/gemv_rows_avx512_amd64", func(g *generator) { avx512.gemvRows(g, kinds...) }},
	{"gemm/gemv_rows_arm64", func(g *generator) { g.gemvRowsNEON(kinds...) }},
	{"gemm/gemv_cols_amd64", func(g *generator) {
		for _, m := range machines {
			m.gemvCols(g)
			m.addRows(g)
		}
	}},
	{"gemm/gemv_cols_arm64", func(g *generator) { g.gemvColsNEON() }},

	// Products of bfloat16: emulated by FMA over widened weights, and by the dot-product instruction.
	{"gemm/bf16/tile_amd64", func(g *generator) {
		avx512.tiles(g, true)
		avx512.tile(g, avx512.mr, 2, true, &paired)
		avx512.tile(g, avx512.mr, 2, false, &emulated)
	}},
	{"gemm/bf16/pack_amd64", func(g *generator) {
		g.roundEmulated()
		g.roundDot()
		avx2.pack(g, emulated)
		avx512.pack(g, emulated)
		avx512.pack(g, paired)
	}},
	{"gemm/bf16/pack_arm64", func(g *generator) {
		g.roundEmulatedNEON()
		g.packNEON(emulated)
	}},
	{"gemm/bf16/gemv_rows_emulated_amd64", func(g *generator) {
		avx2.gemvRows(g, emulated)
		avx512.gemvRows(g, emulated)
	}},
	{"gemm/bf16/gemv_rows_dot_amd64", func(g *generator) { avx512.gemvRows(g, paired) }},
	{"gemm/bf16/gemv_rows_arm64", func(g *generator) { g.gemvRowsNEON(emulated) }},

	// Products with quantized weights: beside the tiles, which follow below, the quantizing of activations and the unpacking of weights.
	{"qgemm/activations_amd64", func(g *generator) {
		g.quantizeX("quantizeAVX2", 1, false)
		g.quantizeX("quantizeSuperblockAVX2", superblock, false)
		g.quantizeX("quantizeOffsetsAVX2", superblock, true)
	}},
	{"qgemm/activations_arm64", func(g *generator) {
		g.quantizeNEON("quantizeNEON", 1, false)
		g.quantizeNEON("quantizeSuperblockNEON", superblock, false)
		g.quantizeNEON("quantizeOffsetsNEON", superblock, true)
	}},
	{"qgemm/unpack_amd64", func(g *generator) {
		for _, m := range machines {
			m.unpack(g)
			m.unpackZeros(g)
		}
	}},
	{"qgemm/unpack_arm64", func(g *generator) {
		g.unpackNEON(true)
		g.unpackNEON(false)
	}},
	{"qgemm/dequantize_block_amd64", func(g *generator) {
		g.dequantizeBlock(8)
		g.dequantizeBlock(4)
	}},
	{"qgemm/amx_amd64", amx},
}, quantizedTiles()...)

// quantizedTiles are a family for each form of quantized weights and each width of registers.
func quantizedTiles() []family {
	var out []family
	for _, f := range forms {
		name := "qgemm/tile_" + strings.ToLower(strings.Replace(f.name, "Zeros", "_zeros", 1))
		out = append(out,
			family{name + "_avx2_amd64", f.tiles256},
			family{name + "_avx512_amd64", f.tiles512},
			family{name + "_sdot_arm64", func(g *generator) { f.tilesNEON(g, true) }},
			family{name + "_neon_arm64", func(g *generator) { f.tilesNEON(g, false) }})
	}
	return out
}
