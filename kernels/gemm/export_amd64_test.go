//go:build !purego

package gemm

// Routines whose memory the emulator is told of, and of which a machine uses one of two.
var (
	PackRoutinesAVX512 = map[Layout]PackRoutine{F32: packF32AVX512, BF16: packBF16AVX512, F16: packF16AVX512}
	PackGeneric        = map[Layout]PackFunc{F32: packF32Generic, BF16: packBF16Generic, F16: packF16Generic}
	OneRowAVX512       = map[Layout][2]GEMVRowsFunc{
		F32: {gemvRows1F32AVX512, gemvRows1F32NearAVX512}, BF16: {gemvRows1BF16AVX512, gemvRows1BF16NearAVX512}, F16: {gemvRows1F16AVX512, gemvRows1F16NearAVX512},
	}
)
