//go:build !purego

package kernels

import "golang.org/x/sys/cpu"

// machinePeaks lists the amd64 loops, the widest first.
func machinePeaks() peakLoops {
	x := &cpu.X86
	avx2 := x.HasAVX2 && x.HasFMA
	wide := avx2 && x.HasAVX512F
	g := genericPeaks()
	m := peakLoops{
		fma: append([]peakLoop{
			{"VFMADD231PS Z", wide, 16, 64, 32, peakFMA512},
			{"VFMADD231PS Y", avx2, 12, 32, 16, peakFMA256},
		}, g.fma...),
		bf16: []peakLoop{
			{"VDPBF16PS Z", wide && x.HasAVX512BF16, 16, 64, 64, peakBF16Dot512},
		},
		int8: append([]peakLoop{
			{"VPDPBUSD Z", wide && x.HasAVX512VNNI, 16, 64, 128, peakInt8Dot512},
			{"VPDPBUSD Y", avx2 && x.HasAVXVNNI, 12, 32, 64, peakInt8Dot256},
			{"VPMADDUBSW Y, VPMADDWD Y, VPADDD Y", avx2, 5, 32, 64, peakInt8Sum256},
		}, g.int8...),
		read: g.read,
	}
	if avx2 {
		m.read = peakRead256
	}
	return m
}

// peakFMA512 is peakLoop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func peakFMA512(n int, x, dst *byte)

// peakFMA256 is peakLoop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func peakFMA256(n int, x, dst *byte)

// peakBF16Dot512 is peakLoop.run of bfloat16: acc[i] = acc[i] + u[2*i+1]*v[2*i+1] + u[2*i]*v[2*i] in float32.
//
//go:noescape
func peakBF16Dot512(n int, x, dst *byte)

// peakInt8Dot512 is peakLoop.run of bytes, those of u unsigned: acc[i] += u[4*i]*v[4*i] + ... + u[4*i+3]*v[4*i+3].
//
//go:noescape
func peakInt8Dot512(n int, x, dst *byte)

// peakInt8Dot256 is peakInt8Dot512 in 32 bytes.
//
//go:noescape
func peakInt8Dot256(n int, x, dst *byte)

// peakInt8Sum256 is peakInt8Dot256 by way of 16-bit sums of pairs, which must fit.
//
//go:noescape
func peakInt8Sum256(n int, x, dst *byte)

// peakRead256 is peakLoops.read; it asks for memory 4 kB ahead, without which some processors read a sixth slower:
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
//
//go:noescape
func peakRead256(n int, p, dst *byte)
