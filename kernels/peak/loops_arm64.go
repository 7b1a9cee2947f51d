//go:build !purego

package peak

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// machineLoops lists the arm64 loops. Whether a processor has BFDOT cannot be asked yet.
func machineLoops() machine {
	return machine{
		fma:  []loop{{"FMLA V.4S", true, 24, 16, 8, fmaNEON}},
		int8: append([]loop{{"SDOT V.4S", cpu.SDOT, 24, 16, 32, int8DotNEON}}, genericLoops().int8...),
		read: readNEON,
	}
}

// fmaNEON is loop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func fmaNEON(n int, x, dst *byte)

// int8DotNEON is loop.run of signed bytes: acc[i] += u[4*i]*v[4*i] + ... + u[4*i+3]*v[4*i+3].
//
//go:noescape
func int8DotNEON(n int, x, dst *byte)

// readNEON is machine.read:
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
//
//go:noescape
func readNEON(n int, p, dst *byte)
