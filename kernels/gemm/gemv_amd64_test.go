//go:build !purego

package gemm_test

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/loupe-vl/loupe/kernels/gemm"
	"github.com/loupe-vl/loupe/kernels/gemm/gemmtest"
)

// TestOneRow: both routines of one row, of which a machine uses one, compute law 1, whatever the number of lines.
func TestOneRow(t *testing.T) {
	if !AVX512.Available {
		t.Skip("this processor has no avx512")
	}
	for _, layout := range layouts {
		for i, name := range []string{"next", "near"} {
			t.Run(fmt.Sprintf("%T/%s", layout, name), func(t *testing.T) {
				ks := *AVX512
				ks.Dense = slices.Clone(ks.Dense)
				ks.RoutinesOf(layout).GEMVRows = []GEMVRows{{Rows: 1, Cols: 16, Run: OneRowAVX512[layout][i]}}
				m := multiplier(t, &ks, 2)
				gemmtest.OneRow(t, layout, func(dst, x View, w Matrix) { m.MatMul(dst, x, w, TransW) }, (*gemmtest.Problem).Naive)
			})
		}
	}
}
