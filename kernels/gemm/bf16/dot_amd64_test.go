//go:build !purego

package bf16

import (
	"fmt"
	"testing"

	"github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
)

// TestOneRow: both routines of one row, of which a machine uses one, compute the arithmetic, whatever the number of lines.
func TestOneRow(t *testing.T) {
	if !gemm.AVX512.Available {
		t.Skip("this processor has no avx512")
	}
	for _, way := range Ways(gemm.AVX512) {
		routines := []gemm.GEMVRowsFunc{gemvRows1EmulatedAVX512, gemvRows1EmulatedNearAVX512}
		if way.PerElement == 2 {
			routines = []gemm.GEMVRowsFunc{gemvRows1DotAVX512, gemvRows1DotNearAVX512}
		}
		for i, name := range []string{"next", "near"} {
			t.Run(fmt.Sprintf("elements of %d/%s", way.PerElement, name), func(t *testing.T) {
				ks, by := *way.Kernels, way.Dense[0]
				by.GEMVRows = []gemm.GEMVRows{{Rows: 1, Cols: 16, Run: routines[i]}}
				ks.Dense = []gemm.Routines{by}
				product := multiply(t, &Kernels{&ks, way.round}, 2)
				gemmtest.OneRow(t, gemm.BF16, func(dst, x gemm.View, w gemm.Matrix) {
					w.Layout = gemm.BF16Products
					product(dst, x, w, gemm.TransW)
				}, naive)
			})
		}
	}
}
