//go:build !purego

package cpu

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// The sets of instructions that kernels are written for. Each includes what its kernels need beside the instructions of its name.
var (
	AVX2       = cpu.X86.HasAVX2 && cpu.X86.HasFMA && hasF16C()
	AVX512     = AVX2 && cpu.X86.HasAVX512F
	AVX512BW   = AVX512 && cpu.X86.HasAVX512BW
	AVX512BF16 = AVX512BW && cpu.X86.HasAVX512BF16
	AVX512VNNI = AVX512BW && cpu.X86.HasAVX512VNNI
	AVXVNNI    = AVX2 && cpu.X86.HasAVXVNNI
)

// AMX reports whether this process may use AMX's products of bytes. Asking allows it.
var AMX = sync.OnceValue(func() bool { return cpu.X86.HasAMXTile && cpu.X86.HasAMXInt8 && allowTiles() })
