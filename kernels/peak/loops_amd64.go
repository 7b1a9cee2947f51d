//go:build !purego

package peak

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// machineLoops lists the amd64 loops, the widest first.
func machineLoops() machine {
	g := genericLoops()
	m := machine{
		fma: append([]loop{
			{"VFMADD231PS Z", cpu.AVX512, 16, 64, 32, fma512},
			{"VFMADD231PS Y", cpu.AVX2, 12, 32, 16, fma256},
		}, g.fma...),
		bf16: []loop{
			{"VDPBF16PS Z", cpu.AVX512BF16, 16, 64, 64, bf16Dot512},
		},
		int8: append([]loop{
			{"VPDPBUSD Z", cpu.AVX512VNNI, 16, 64, 128, int8Dot512},
			{"VPDPBUSD Y", cpu.AVXVNNI, 12, 32, 64, int8Dot256},
			{"VPMADDUBSW Y, VPMADDWD Y, VPADDD Y", cpu.AVX2, 5, 32, 64, int8Sum256},
		}, g.int8...),
		read: g.read,
	}
	if cpu.AVX2 {
		m.read = read256
	}
	return m
}

// fma512 is loop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func fma512(n int, x, dst *byte)

// fma256 is loop.run of float32: acc[i] = fma(u[i], v[i], acc[i]).
//
//go:noescape
func fma256(n int, x, dst *byte)

// bf16Dot512 is loop.run of bfloat16: acc[i] = acc[i] + u[2*i+1]*v[2*i+1] + u[2*i]*v[2*i] in float32.
//
//go:noescape
func bf16Dot512(n int, x, dst *byte)

// int8Dot512 is loop.run of bytes, those of u unsigned: acc[i] += u[4*i]*v[4*i] + ... + u[4*i+3]*v[4*i+3].
//
//go:noescape
func int8Dot512(n int, x, dst *byte)

// int8Dot256 is int8Dot512 in 32 bytes.
//
//go:noescape
func int8Dot256(n int, x, dst *byte)

// int8Sum256 is int8Dot256 by way of 16-bit sums of pairs, which must fit.
//
//go:noescape
func int8Sum256(n int, x, dst *byte)

// read256 is machine.read. It prefetches memory 4 kB ahead; without that some processors read a sixth slower.
//
//	for j := range 8 * n {
//		for i := range 32 {
//			dst[i] ^= p[32*j+i]
//		}
//	}
//
//go:noescape
func read256(n int, p, dst *byte)
