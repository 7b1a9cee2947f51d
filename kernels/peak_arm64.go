//go:build !purego

package kernels

import "golang.org/x/sys/cpu"

// machinePeaks lists the arm64 loops. Whether a processor has BFDOT cannot be asked yet.
func machinePeaks() peakLoops {
	return peakLoops{
		fma:  []peakLoop{{"FMLA V.4S", true, 24, 16, 8, peakFMANEON}},
		int8: append([]peakLoop{{"SDOT V.4S", cpu.ARM64.HasASIMDDP, 24, 16, 32, peakInt8DotNEON}}, genericPeaks().int8...),
		read: peakReadNEON,
	}
}

// peakFMANEON is peakLoop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func peakFMANEON(n int, x, dst *byte)

// peakInt8DotNEON is peakLoop.run of signed bytes: acc[i] += u[4*i]*v[4*i] + ... + u[4*i+3]*v[4*i+3].
//
//go:noescape
func peakInt8DotNEON(n int, x, dst *byte)

// peakReadNEON is peakLoops.read:
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
//
//go:noescape
func peakReadNEON(n int, p, dst *byte)
