package kernels

// QuickGELU is x * sigmoid(1.702 x).
func QuickGELU(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * Sigmoid(float32(1.702*v))
	}
}

// GELU is x/2 * (1 + erf(x / sqrt 2)).
func GELU(dst, x []float32) {
	const halfRoot = 0.70710678118654752440
	for i, v := range x {
		dst[i] = float32(v*0.5) * (1 + Erf(float32(v*halfRoot)))
	}
}

// SwiGLU is gate * sigmoid(gate) * up.
func SwiGLU(dst, gate, up []float32) {
	for i, v := range gate {
		dst[i] = float32(v*Sigmoid(v)) * up[i]
	}
}

// QuickGELUBackward adds to dx the gradient of QuickGELU's x under dy: with s = sigmoid(1.702 x) it is
// dy (s + 1.702 x s (1 - s)).
func QuickGELUBackward(dx, x, dy []float32) {
	for i, v := range x {
		s := Sigmoid(float32(1.702 * v))
		dx[i] += float32(dy[i] * (s + float32(float32(float32(1.702*v)*s)*(1-s))))
	}
}

// GELUBackward adds to dx the gradient of GELU's x under dy: dy (Φ(x) + x φ(x)), with the normal distribution Φ and its
// density φ.
func GELUBackward(dx, x, dy []float32) {
	const halfRoot, density = 0.70710678118654752440, 0.39894228040143267794 // 1/sqrt 2, 1/sqrt(2 pi)
	for i, v := range x {
		below := float32(0.5 * (1 + Erf(float32(v*halfRoot))))
		at := float32(density * Exp(float32(float32(-0.5*v)*v)))
		dx[i] += float32(dy[i] * (below + float32(v*at)))
	}
}

// SwiGLUBackward adds to dgate and dup the gradients of SwiGLU's arguments under dy: with s = sigmoid(gate) they are
// dy up (s + gate s (1 - s)) and dy gate s. Either may be nil.
func SwiGLUBackward(dgate, dup, gate, up, dy []float32) {
	for i, v := range gate {
		s := Sigmoid(v)
		silu := float32(v * s)
		if dgate != nil {
			dgate[i] += float32(float32(dy[i]*up[i]) * (s + float32(silu*(1-s))))
		}
		if dup != nil {
			dup[i] += float32(dy[i] * silu)
		}
	}
}
