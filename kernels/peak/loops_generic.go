package peak

import "unsafe"

// genericLoops are the loops of a build without assembly: what plain Go can do.
func genericLoops() machine {
	return machine{
		fma:  []loop{{name: "Go float32", available: true, accs: 1, width: 16, ops: 8, run: fmaGeneric}},
		int8: []loop{{name: "Go int32", available: true, accs: 1, width: 16, ops: 32, run: int8Generic}},
		read: readGeneric,
	}
}

// fmaGeneric multiplies and adds, rounding both: plain Go has no fast fused form for float32.
func fmaGeneric(n int, x, dst *byte) {
	in := (*[8]float32)(unsafe.Pointer(x))
	u0, u1, u2, u3 := in[0], in[1], in[2], in[3]
	v0, v1, v2, v3 := in[4], in[5], in[6], in[7]
	var a, b, c, d float32
	for range n {
		a, b, c, d = a+float32(u0*v0), b+float32(u1*v1), c+float32(u2*v2), d+float32(u3*v3)
	}
	*(*[4]float32)(unsafe.Pointer(dst)) = [...]float32{a, b, c, d}
}

// int8Generic sums groups of four products of unsigned and signed bytes, as VPDPBUSD does.
func int8Generic(n int, x, dst *byte) {
	u, v := (*[16]uint8)(unsafe.Pointer(x)), (*[16]int8)(unsafe.Add(unsafe.Pointer(x), 16))
	var acc [4]int32
	for range n {
		for i := range acc {
			acc[i] += int32(u[4*i])*int32(v[4*i]) + int32(u[4*i+1])*int32(v[4*i+1]) + int32(u[4*i+2])*int32(v[4*i+2]) + int32(u[4*i+3])*int32(v[4*i+3])
		}
	}
	*(*[4]int32)(unsafe.Pointer(dst)) = acc
}

// readGeneric joins the 32 lanes of blocks of 256 bytes.
func readGeneric(n int, p, dst *byte) {
	out := (*[4]uint64)(unsafe.Pointer(dst))
	a, b, c, d := out[0], out[1], out[2], out[3]
	for i := range n {
		block := (*[32]uint64)(unsafe.Add(unsafe.Pointer(p), 256*i))
		for j := 0; j < len(block); j += 4 {
			a, b, c, d = a^block[j], b^block[j+1], c^block[j+2], d^block[j+3]
		}
	}
	*out = [...]uint64{a, b, c, d}
}
