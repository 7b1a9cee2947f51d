//go:build !purego && (amd64 || arm64)

package bf16

import "github.com/loupe-vl/loupe/kernels/gemm"

// rows is a routine for so many rows and columns.
func rows(rows, cols int, run gemm.GEMVRowsFunc) gemm.GEMVRows {
	return gemm.GEMVRows{Rows: rows, Cols: cols, Run: run}
}

// emulatedRounder is roundEmulated by so many numbers at a time.
func emulatedRounder(lanes int, routine func(n int, dst, x *float32)) roundFunc {
	return func(dst, x []float32) {
		n := len(x) / lanes
		if n > 0 {
			routine(n, &dst[0], &x[0])
		}
		roundEmulated(dst[lanes*n:], x[lanes*n:])
	}
}
