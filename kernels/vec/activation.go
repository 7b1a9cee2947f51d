package vec

import "github.com/loupe-vl/loupe/kernels/num"

// QuickGELU is x * sigmoid(1.702 x). dst may be x.
func QuickGELU(dst, x []float32) {
	for i, v := range x {
		dst[i] = v * num.Sigmoid(float32(1.702*v))
	}
}

// QuickGELU is the function QuickGELU, the same bits.
func (k *Kernels) QuickGELU(dst, x []float32) {
	dst = dst[:len(x)]
	n := k.whole(len(x))
	if n > 0 {
		k.quickGELU(n/width, &dst[0], &x[0])
	}
	QuickGELU(dst[n:], x[n:])
}

// QuickGELUBackward adds to dx the gradient of QuickGELU's x under dy: with s = sigmoid(1.702 x) it is
// dy (s + 1.702 x s (1 - s)).
func QuickGELUBackward(dx, x, dy []float32) {
	for i, v := range x {
		s := num.Sigmoid(float32(1.702 * v))
		dx[i] += float32(dy[i] * (s + float32(float32(float32(1.702*v)*s)*(1-s))))
	}
}

// QuickGELUBackward is the function QuickGELUBackward, the same bits.
func (k *Kernels) QuickGELUBackward(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	n := k.whole(len(x))
	if n > 0 {
		k.quickGELUBackward(n/width, &dx[0], &x[0], &dy[0])
	}
	QuickGELUBackward(dx[n:], x[n:], dy[n:])
}

// GELU is x/2 * (1 + erf(x / sqrt 2)). dst may be x.
func GELU(dst, x []float32) {
	const halfRoot = 0.70710678118654752440
	for i, v := range x {
		dst[i] = float32(v*0.5) * (1 + num.Erf(float32(v*halfRoot)))
	}
}

// GELU is the function GELU, the same bits.
func (k *Kernels) GELU(dst, x []float32) {
	dst = dst[:len(x)]
	n := k.whole(len(x))
	if n > 0 {
		k.gelu(n/width, &dst[0], &x[0])
	}
	GELU(dst[n:], x[n:])
}

// GELUBackward adds to dx the gradient of GELU's x under dy: dy (Φ(x) + x φ(x)), with the normal distribution Φ and its
// density φ.
func GELUBackward(dx, x, dy []float32) {
	const halfRoot, density = 0.70710678118654752440, 0.39894228040143267794 // 1/sqrt 2, 1/sqrt(2 pi)
	for i, v := range x {
		below := float32(0.5 * (1 + num.Erf(float32(v*halfRoot))))
		at := float32(density * num.Exp(float32(float32(-0.5*v)*v)))
		dx[i] += float32(dy[i] * (below + float32(v*at)))
	}
}

// SwiGLU is gate * sigmoid(gate) * up. dst may be gate or up.
func SwiGLU(dst, gate, up []float32) {
	for i, v := range gate {
		dst[i] = float32(v*num.Sigmoid(v)) * up[i]
	}
}

// SwiGLU is the function SwiGLU, the same bits.
func (k *Kernels) SwiGLU(dst, gate, up []float32) {
	dst, up = dst[:len(gate)], up[:len(gate)]
	n := k.whole(len(gate))
	if n > 0 {
		k.swiGLU(n/width, &dst[0], &gate[0], &up[0])
	}
	SwiGLU(dst[n:], gate[n:], up[n:])
}

// SwiGLUBackward adds to dgate and dup the gradients of SwiGLU's arguments under dy: with s = sigmoid(gate) they are
// dy up (s + gate s (1 - s)) and dy gate s. Either may be nil.
func SwiGLUBackward(dgate, dup, gate, up, dy []float32) {
	for i, v := range gate {
		s := num.Sigmoid(v)
		silu := float32(v * s)
		if dgate != nil {
			dgate[i] += float32(float32(dy[i]*up[i]) * (s + float32(silu*(1-s))))
		}
		if dup != nil {
			dup[i] += float32(dy[i] * silu)
		}
	}
}

// SwiGLUBackward is the function SwiGLUBackward, the same bits.
func (k *Kernels) SwiGLUBackward(dgate, dup, gate, up, dy []float32) {
	if dgate == nil || dup == nil {
		SwiGLUBackward(dgate, dup, gate, up, dy)
		return
	}
	dgate, dup, up, dy = dgate[:len(gate)], dup[:len(gate)], up[:len(gate)], dy[:len(gate)]
	n := k.whole(len(gate))
	if n > 0 {
		k.swiGLUBackward(n/width, &dgate[0], &dup[0], &gate[0], &up[0], &dy[0])
	}
	SwiGLUBackward(dgate[n:], dup[n:], gate[n:], up[n:], dy[n:])
}
