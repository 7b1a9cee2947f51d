//go:build !purego

package vec

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// AVX512 and AVX2 are the kernels of these instructions. The processor must have them.
var (
	AVX512 = &Kernels{&routinesAVX512}
	AVX2   = &Kernels{&routinesAVX2}
)

func machineSets() []Set {
	return []Set{{"avx512", cpu.AVX512, AVX512}, {"avx2", cpu.AVX2, AVX2}}
}
