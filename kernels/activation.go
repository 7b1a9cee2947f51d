package kernels

// QuickGELU is x * sigmoid(1.702 x).
func QuickGELU(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * Sigmoid(float32(1.702)*v)
	}
}

// GELU is x/2 * (1 + erf(x / sqrt 2)).
func GELU(dst, x []float32) {
	const halfRoot = 0.70710678118654752440
	for i, v := range x {
		dst[i] = float32(v*0.5) * (1 + Erf(v*halfRoot))
	}
}

// SwiGLU is gate * sigmoid(gate) * up.
func SwiGLU(dst, gate, up []float32) {
	for i, v := range gate {
		dst[i] = float32(v*Sigmoid(v)) * up[i]
	}
}
