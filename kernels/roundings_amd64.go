//go:build !purego

package kernels

import (
	"math"

	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/peak"
)

// roundingsAVX512 are swapped steps by FMA, and where the processor has the instruction for pairs that too, first if it is
// faster.
func roundingsAVX512(p *path) []*path {
	if !cpu.AVX512BW {
		return []*path{p.swapped(roundXSwapped, denseRoutines{pack: packSwapped})}
	}
	fma := p.swapped(swappedRounder(8, roundSwappedAVX2), denseRoutines{
		pack: packer(16, 8, 1, packSwappedAVX512, packSwapped), packing: tile12x32PackingSwappedAVX512,
		strips: []strip{{8, 16, strip8SwappedAVX512}, {4, 16, strip4SwappedAVX512}, {2, 16, strip2SwappedAVX512}, {1, 16, oneRow(strip1SwappedAVX512, strip1SwappedNearAVX512)}},
	})
	if !cpu.AVX512BF16 {
		return []*path{fma}
	}
	dot := p.swapped(roundXPairsAVX512, denseRoutines{
		pack: packer(16, 4, 2, packPairsAVX512, packPairs), packing: tile12x32PackingPairsAVX512,
		strips: []strip{{8, 16, strip8PairsAVX512}, {4, 16, strip4PairsAVX512}, {2, 16, strip2PairsAVX512}, {1, 16, oneRow(strip1PairsAVX512, strip1PairsNearAVX512)}},
	})
	dot.tile, dot.half, dot.low, dot.steps = tile12x32PairsAVX512, tile12x16PairsAVX512, lowTiles{tile4x32PairsAVX512, tile8x32PairsAVX512}, 2
	if peak.BF16DotIsFaster() {
		return []*path{dot, fma}
	}
	return []*path{fma, dot}
}

// roundingsAVX2 are swapped steps by FMA.
func roundingsAVX2(p *path) []*path {
	return []*path{p.swapped(swappedRounder(8, roundSwappedAVX2), denseRoutines{
		pack:   packer(8, 8, 1, packSwappedAVX2, packSwapped),
		strips: []strip{{8, 8, strip8SwappedAVX2}, {4, 16, strip4SwappedAVX2}, {2, 16, strip2SwappedAVX2}, {1, 16, strip1SwappedAVX2}},
	})}
}

// roundXPairsAVX512 is roundXPairs by sixteens.
func roundXPairsAVX512(dst, x []float32) {
	n := len(x) / 16
	if n > 0 {
		roundPairsAVX512(n, &dst[0], &x[0])
	}
	roundXPairs(dst[8*n:], x[16*n:])
}

// roundXPairs is the roundXFunc of paths that compute by an instruction for pairs, whose bits lie in a float32's place, the
// even step in the low half. len(dst) is half of len(x), rounded up.
func roundXPairs(dst, x []float32) {
	for i := range dst {
		bits := uint32(roundActivation(x[2*i]))
		if 2*i+1 < len(x) {
			bits |= uint32(roundActivation(x[2*i+1])) << 16
		}
		dst[i] = math.Float32frombits(bits)
	}
}

// packPairs is the packFunc that goes with roundXPairs.
func packPairs(dst []float32, nr int, m Matrix, r, rows, c, cols int) {
	for i := range rows {
		for j := range cols {
			at := 2 * (c + j)
			dst[j*nr+i] = math.Float32frombits(uint32(roundedWeight(m, r+i, at)) | uint32(roundedWeight(m, r+i, at+1))<<16)
		}
	}
}
