//go:build !purego

package qgemm

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// setAVX512 are the routines of a processor with AVX512_VNNI.
var setAVX512 = Kernels{
	activations: activationsBy(quantizeAVX2, quantizeSuperblockAVX2, quantizeOffsetsAVX2),
	int8: formKernels{
		tiles:      []tile{{6, tile6Int8AVX512}, {5, tile5Int8AVX512}, {4, tile4Int8AVX512}, {3, tile3Int8AVX512}, {2, tile2Int8AVX512}, {1, tile1Int8AVX512}},
		dequantize: dequantizeInt8AVX2,
	},
	int4: formKernels{
		tiles:      []tile{{4, tile4Int4AVX512}, {3, tile3Int4AVX512}, {2, tile2Int4AVX512}, {1, tile1Int4AVX512}},
		unpack:     unpackAVX512,
		dequantize: dequantizeInt4AVX2,
	},
	int4Zeros: formKernels{
		tiles:      []tile{{6, tile6Int4ZerosAVX512}, {5, tile5Int4ZerosAVX512}, {4, tile4Int4ZerosAVX512}, {3, tile3Int4ZerosAVX512}, {2, tile2Int4ZerosAVX512}, {1, tile1Int4ZerosAVX512}},
		unpack:     unpackZerosAVX512,
		dequantize: dequantizeInt4AVX2,
	},
}

// setAMX are those of a processor with AMX too, for products of many rows.
var setAMX = Kernels{
	activations: setAVX512.activations,
	int8:        setAVX512.int8,
	int4:        setAVX512.int4,
	int4Zeros:   setAVX512.int4Zeros,
	amx:         &amxKernels{signed: signedAMX, scales: groupScalesAMX, tiles: [2]amxTileFunc{tile16AMX, tile32AMX}},
}

// setAVX2 are the routines of any processor with AVX2.
var setAVX2 = Kernels{
	activations: activationsBy(quantizeAVX2, quantizeSuperblockAVX2, quantizeOffsetsAVX2),
	int8: formKernels{
		tiles:      []tile{{6, tile6Int8AVX2}, {4, tile4Int8AVX2}, {2, tile2Int8AVX2}, {1, tile1Int8AVX2}},
		dequantize: dequantizeInt8AVX2,
	},
	int4: formKernels{
		tiles:      []tile{{4, tile4Int4AVX2}, {2, tile2Int4AVX2}, {1, tile1Int4AVX2}},
		unpack:     unpackAVX2,
		dequantize: dequantizeInt4AVX2,
	},
	int4Zeros: formKernels{
		tiles:      []tile{{4, tile4Int4ZerosAVX2}, {2, tile2Int4ZerosAVX2}, {1, tile1Int4ZerosAVX2}},
		unpack:     unpackZerosAVX2,
		dequantize: dequantizeInt4AVX2,
	},
}

// setAVXVNNI are the routines of a processor with AVX-VNNI, which has VPDPBUSD for 256 bits.
var setAVXVNNI = Kernels{
	activations: activationsBy(quantizeAVX2, quantizeSuperblockAVX2, quantizeOffsetsAVX2),
	int8: formKernels{
		tiles:      []tile{{6, tile6Int8AVXVNNI}, {3, tile3Int8AVXVNNI}, {2, tile2Int8AVXVNNI}, {1, tile1Int8AVXVNNI}},
		dequantize: dequantizeInt8AVX2,
	},
	int4: formKernels{
		tiles:      []tile{{2, tile2Int4AVXVNNI}, {1, tile1Int4AVXVNNI}},
		unpack:     unpackAVX2,
		dequantize: dequantizeInt4AVX2,
	},
	int4Zeros: formKernels{
		tiles:      []tile{{3, tile3Int4ZerosAVXVNNI}, {2, tile2Int4ZerosAVXVNNI}, {1, tile1Int4ZerosAVXVNNI}},
		unpack:     unpackZerosAVX2,
		dequantize: dequantizeInt4AVX2,
	},
}

// machineSets are those that go with those of package gemm of that name, the preferred ones first; nil for none.
func machineSets(name string) []*Kernels {
	switch name {
	case "avx512":
		return sets512()
	case "avx2":
		return sets256()
	}
	return nil
}

// sets256 are those that go with avx2 on this processor, the preferred one first.
func sets256() []*Kernels {
	if cpu.AVXVNNI {
		return []*Kernels{&setAVXVNNI, &setAVX2}
	}
	return []*Kernels{&setAVX2}
}

// sets512 are those that go with avx512 on this processor, the preferred one first.
func sets512() []*Kernels {
	sets := sets256()
	if cpu.AVX512VNNI {
		sets = append([]*Kernels{&setAVX512}, sets...)
		if cpu.AMX() {
			sets = append([]*Kernels{&setAMX}, sets...)
		}
	}
	return sets
}
