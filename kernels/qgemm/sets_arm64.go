//go:build !purego

package qgemm

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// setSDOT are the routines of a processor with SDOT, and setNEON those of any: the same sums in more instructions.
var (
	setSDOT = Kernels{
		activations: activationsBy(quantizeNEON, quantizeSuperblockNEON, quantizeOffsetsNEON),
		int8: formKernels{
			tiles: []tile{{4, tile4Int8SDOT}, {2, tile2Int8SDOT}, {1, tile1Int8SDOT}},
		},
		int4: formKernels{
			tiles:  []tile{{2, tile2Int4SDOT}, {1, tile1Int4SDOT}},
			unpack: unpackNEON,
		},
		int4Zeros: formKernels{
			tiles:  []tile{{4, tile4Int4ZerosSDOT}, {2, tile2Int4ZerosSDOT}, {1, tile1Int4ZerosSDOT}},
			unpack: unpackZerosNEON,
		},
	}
	setNEON = Kernels{
		activations: activationsBy(quantizeNEON, quantizeSuperblockNEON, quantizeOffsetsNEON),
		int8: formKernels{
			tiles: []tile{{4, tile4Int8NEON}, {2, tile2Int8NEON}, {1, tile1Int8NEON}},
		},
		int4: formKernels{
			tiles:  []tile{{2, tile2Int4NEON}, {1, tile1Int4NEON}},
			unpack: unpackNEON,
		},
		int4Zeros: formKernels{
			tiles:  []tile{{4, tile4Int4ZerosNEON}, {2, tile2Int4ZerosNEON}, {1, tile1Int4ZerosNEON}},
			unpack: unpackZerosNEON,
		},
	}
)

// machineSets are those that go with those of package gemm of that name, the preferred ones first; nil for none.
func machineSets(name string) []*Kernels {
	if name != "neon" {
		return nil
	}
	return setsNEON()
}

// setsNEON are all that this processor can run, the preferred one first.
func setsNEON() []*Kernels {
	if cpu.SDOT {
		return []*Kernels{&setSDOT, &setNEON}
	}
	return []*Kernels{&setNEON}
}
