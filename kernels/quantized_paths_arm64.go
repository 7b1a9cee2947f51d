//go:build !purego

package kernels

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// quantSDOT are the routines of a processor with SDOT, and quantNEON those of any: the same sums in more instructions.
var (
	quantSDOT = quantRoutines{
		quantize: quantizer(quantizeNEON, quantizeSpanNEON, quantizeOwnNEON),
		int8: formRoutines{
			tiles: []quantTile{{4, quant4Int8SDOT}, {2, quant2Int8SDOT}, {1, quant1Int8SDOT}},
		},
		int4: formRoutines{
			tiles:  []quantTile{{2, quant2Int4SDOT}, {1, quant1Int4SDOT}},
			unpack: unpackNEON,
		},
		int4Zeros: formRoutines{
			tiles:  []quantTile{{4, quant4Int4ZerosSDOT}, {2, quant2Int4ZerosSDOT}, {1, quant1Int4ZerosSDOT}},
			unpack: unpackZerosNEON,
		},
	}
	quantNEON = quantRoutines{
		quantize: quantizer(quantizeNEON, quantizeSpanNEON, quantizeOwnNEON),
		int8: formRoutines{
			tiles: []quantTile{{4, quant4Int8NEON}, {2, quant2Int8NEON}, {1, quant1Int8NEON}},
		},
		int4: formRoutines{
			tiles:  []quantTile{{2, quant2Int4NEON}, {1, quant1Int4NEON}},
			unpack: unpackNEON,
		},
		int4Zeros: formRoutines{
			tiles:  []quantTile{{4, quant4Int4ZerosNEON}, {2, quant2Int4ZerosNEON}, {1, quant1Int4ZerosNEON}},
			unpack: unpackZerosNEON,
		},
	}
)

// quantSetsOf are those of a path, the preferred ones first; nil for none.
func quantSetsOf(path string) []*quantRoutines {
	if path != "neon" {
		return nil
	}
	return quantSetsARM64()
}

// quantSetsARM64 are all that this processor can run, the preferred one first.
func quantSetsARM64() []*quantRoutines {
	if cpu.SDOT {
		return []*quantRoutines{&quantSDOT, &quantNEON}
	}
	return []*quantRoutines{&quantNEON}
}
