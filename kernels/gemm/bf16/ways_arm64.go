//go:build !purego

package bf16

import "github.com/loupe-vl/loupe/kernels/gemm"

// machineWays are those of NEON: emulated.
func machineWays(ks *gemm.Kernels) []*Kernels {
	if ks.Name != gemm.NEON.Name {
		return nil
	}
	return []*Kernels{emulated(ks, emulatedRounder(4, roundEmulatedNEON), gemm.Routines{
		Pack:     gemm.Packer(4, 8, 1, packEmulatedNEON, packEmulated),
		GEMVRows: []gemm.GEMVRows{rows(4, 8, gemvRows4EmulatedNEON), rows(2, 16, gemvRows2EmulatedNEON), rows(1, 16, gemvRows1EmulatedNEON)},
	})}
}
