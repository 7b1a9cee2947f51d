//go:build !purego

package bf16

import (
	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/internal/cpu"
	"github.com/loupe-vl/loupe/kernels/peak"
)

// machineWays are those of AVX-512 and of AVX2.
func machineWays(ks *gemm.Kernels) []*Kernels {
	switch ks.Name {
	case gemm.AVX512.Name:
		return waysAVX512(ks)
	case gemm.AVX2.Name:
		return waysAVX2(ks)
	}
	return nil
}

// waysAVX512 are emulated, and where the processor has it also the dot-product instruction, first if it is faster.
func waysAVX512(ks *gemm.Kernels) []*Kernels {
	if !cpu.AVX512BW {
		return nil
	}
	fma := emulated(ks, emulatedRounder(8, roundEmulatedAVX2), gemm.Routines{
		Pack: gemm.Packer(16, 8, 1, packEmulatedAVX512, packEmulated), Packing: tile12x32PackingEmulatedAVX512,
		GEMVRows: []gemm.GEMVRows{
			rows(8, 16, gemvRows8EmulatedAVX512), rows(4, 16, gemvRows4EmulatedAVX512), rows(2, 16, gemvRows2EmulatedAVX512),
			rows(1, 16, gemm.OneRow(gemvRows1EmulatedAVX512, gemvRows1EmulatedNearAVX512)),
		},
	})
	if !cpu.AVX512BF16 {
		return []*Kernels{fma}
	}
	dot := emulated(ks, roundLeftDotAVX512, gemm.Routines{
		Pack: gemm.Packer(16, 4, 2, packDotAVX512, packDot), Packing: tile12x32PackingDotAVX512,
		GEMVRows: []gemm.GEMVRows{
			rows(8, 16, gemvRows8DotAVX512), rows(4, 16, gemvRows4DotAVX512), rows(2, 16, gemvRows2DotAVX512),
			rows(1, 16, gemm.OneRow(gemvRows1DotAVX512, gemvRows1DotNearAVX512)),
		},
	})
	dot.Tile, dot.Half, dot.Low = tile12x32DotAVX512, tile12x16DotAVX512, gemm.LowTiles{tile4x32DotAVX512, tile8x32DotAVX512}
	dot.PerElement = 2
	if peak.BF16DotIsFaster() {
		return []*Kernels{dot, fma}
	}
	return []*Kernels{fma, dot}
}

// waysAVX2 are emulated.
func waysAVX2(ks *gemm.Kernels) []*Kernels {
	return []*Kernels{emulated(ks, emulatedRounder(8, roundEmulatedAVX2), gemm.Routines{
		Pack: gemm.Packer(8, 8, 1, packEmulatedAVX2, packEmulated),
		GEMVRows: []gemm.GEMVRows{
			rows(8, 8, gemvRows8EmulatedAVX2), rows(4, 16, gemvRows4EmulatedAVX2), rows(2, 16, gemvRows2EmulatedAVX2), rows(1, 16, gemvRows1EmulatedAVX2),
		},
	})}
}
