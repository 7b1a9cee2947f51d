//go:build !purego

package kernels

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/vec"
)

// machinePaths lists the arm64 path: every arm64 processor has NEON.
func machinePaths() []*path {
	return []*path{{
		name: "neon", available: true, mr: 4, nr: 16, tile: tile4x16NEON, packX: packXNEON,
		vec: vec.NEON, roundings: roundingsNEON, quant: quantSetsARM64(),
		dense: []denseRoutines{
			{
				layout: F32, pack: packer(4, 4, 1, packF32NEON, packF32Generic), widen: widenF32NEON, fan: fan32NEON,
				strips: []strip{{4, 8, strip4F32NEON}, {2, 16, strip2F32NEON}, {1, 16, strip1F32NEON}},
			},
			{
				layout: BF16, pack: packer(4, 8, 1, packBF16NEON, packBF16Generic), widen: widenBF16NEON,
				strips: []strip{{4, 8, strip4BF16NEON}, {2, 16, strip2BF16NEON}, {1, 16, strip1BF16NEON}},
			},
			{
				layout: F16, pack: packer(4, 4, 1, packF16NEON, packF16Generic), widen: widenF16NEON,
				strips: []strip{{4, 8, strip4F16NEON}, {2, 16, strip2F16NEON}, {1, 16, strip1F16NEON}},
			},
		},
	}}
}

// roundingsNEON are swapped steps by FMA.
func roundingsNEON(p *path) []*path {
	return []*path{p.swapped(swappedRounder(4, roundSwappedNEON), denseRoutines{
		pack:   packer(4, 8, 1, packSwappedNEON, packSwapped),
		strips: []strip{{4, 8, strip4SwappedNEON}, {2, 16, strip2SwappedNEON}, {1, 16, strip1SwappedNEON}},
	})}
}

// packXNEON is packXFunc by whole tiles, whose four rows are transposed as those of weights are; the rest in plain Go.
func packXNEON(dst []float32, mr int, x View, r, rows, k, steps int) {
	n := steps / 4
	if x.ColStride != 1 || rows < 4 || n == 0 {
		packXGeneric(dst, mr, x, r, rows, k, steps)
		return
	}
	packF32NEON(n, &dst[0], mr, unsafe.Pointer(&x.Data[r*x.RowStride+k]), x.RowStride)
	packXGeneric(dst[4*n*mr:], mr, x, r, rows, k+4*n, steps-4*n)
}

// tile4x16NEON is tileFunc for tiles of 4 x 16, the loop of tileGeneric:
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
