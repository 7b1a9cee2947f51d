//go:build !purego

package kernels

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// quantAVX512 are the routines of a processor with AVX512_VNNI.
var quantAVX512 = quantRoutines{
	quantize: quantizer(quantizeAVX2, quantizeSpanAVX2, quantizeOwnAVX2),
	int8: formRoutines{
		tiles:      []quantTile{{6, quant6Int8AVX512}, {5, quant5Int8AVX512}, {4, quant4Int8AVX512}, {3, quant3Int8AVX512}, {2, quant2Int8AVX512}, {1, quant1Int8AVX512}},
		dequantize: widenInt8AVX2,
	},
	int4: formRoutines{
		tiles:      []quantTile{{4, quant4Int4AVX512}, {3, quant3Int4AVX512}, {2, quant2Int4AVX512}, {1, quant1Int4AVX512}},
		unpack:     unpackAVX512,
		dequantize: widenInt4AVX2,
	},
	int4Zeros: formRoutines{
		tiles:      []quantTile{{6, quant6Int4ZerosAVX512}, {5, quant5Int4ZerosAVX512}, {4, quant4Int4ZerosAVX512}, {3, quant3Int4ZerosAVX512}, {2, quant2Int4ZerosAVX512}, {1, quant1Int4ZerosAVX512}},
		unpack:     unpackZerosAVX512,
		dequantize: widenInt4AVX2,
	},
}

// quantAMX are those of a processor with AMX too, for products of many rows.
var quantAMX = quantRoutines{
	quantize:  quantAVX512.quantize,
	int8:      quantAVX512.int8,
	int4:      quantAVX512.int4,
	int4Zeros: quantAVX512.int4Zeros,
	unit:      &matrixUnit{signed: signedAMX, scales: spanScalesAMX, slabs: [2]slabsFunc{slabs1AMX, slabs2AMX}},
}

// quantAVX2 are the routines of any processor with AVX2.
var quantAVX2 = quantRoutines{
	quantize: quantizer(quantizeAVX2, quantizeSpanAVX2, quantizeOwnAVX2),
	int8: formRoutines{
		tiles:      []quantTile{{6, quant6Int8AVX2}, {4, quant4Int8AVX2}, {2, quant2Int8AVX2}, {1, quant1Int8AVX2}},
		dequantize: widenInt8AVX2,
	},
	int4: formRoutines{
		tiles:      []quantTile{{4, quant4Int4AVX2}, {2, quant2Int4AVX2}, {1, quant1Int4AVX2}},
		unpack:     unpackAVX2,
		dequantize: widenInt4AVX2,
	},
	int4Zeros: formRoutines{
		tiles:      []quantTile{{4, quant4Int4ZerosAVX2}, {2, quant2Int4ZerosAVX2}, {1, quant1Int4ZerosAVX2}},
		unpack:     unpackZerosAVX2,
		dequantize: widenInt4AVX2,
	},
}

// quantAVXVNNI are the routines of a processor with AVX-VNNI, which has VPDPBUSD for 256 bits.
var quantAVXVNNI = quantRoutines{
	quantize: quantizer(quantizeAVX2, quantizeSpanAVX2, quantizeOwnAVX2),
	int8: formRoutines{
		tiles:      []quantTile{{6, quant6Int8AVXVNNI}, {3, quant3Int8AVXVNNI}, {2, quant2Int8AVXVNNI}, {1, quant1Int8AVXVNNI}},
		dequantize: widenInt8AVX2,
	},
	int4: formRoutines{
		tiles:      []quantTile{{2, quant2Int4AVXVNNI}, {1, quant1Int4AVXVNNI}},
		unpack:     unpackAVX2,
		dequantize: widenInt4AVX2,
	},
	int4Zeros: formRoutines{
		tiles:      []quantTile{{3, quant3Int4ZerosAVXVNNI}, {2, quant2Int4ZerosAVXVNNI}, {1, quant1Int4ZerosAVXVNNI}},
		unpack:     unpackZerosAVX2,
		dequantize: widenInt4AVX2,
	},
}

// quantSetsOf are those of a path, the preferred ones first; nil for none.
func quantSetsOf(path string) []*quantRoutines {
	switch path {
	case "avx512":
		return quantSets512()
	case "avx2":
		return quantSets256()
	}
	return nil
}

// quantSets256 are those that the path avx2 can use on this processor, the preferred one first.
func quantSets256() []*quantRoutines {
	if cpu.AVXVNNI {
		return []*quantRoutines{&quantAVXVNNI, &quantAVX2}
	}
	return []*quantRoutines{&quantAVX2}
}

// quantSets512 are those that the path avx512 can use on this processor, the preferred one first.
func quantSets512() []*quantRoutines {
	sets := quantSets256()
	if cpu.AVX512VNNI {
		sets = append([]*quantRoutines{&quantAVX512}, sets...)
		if cpu.AMX() {
			sets = append([]*quantRoutines{&quantAMX}, sets...)
		}
	}
	return sets
}
