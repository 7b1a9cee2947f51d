package kernels

// Add is dst = a + b.
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Scale is dst = x * s.
func Scale(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * s
	}
}

// Rotate turns one head by its rotary angles: with h = len(cos), the pair (x[j], x[j+h]) turns by angle j. It is the
// reference's x*cos + rotate_half(x)*sin, each product rounded before the sum. dst may not be x.
func Rotate(dst, x, cos, sin []float32) {
	h := len(cos)
	lo, hi := x[:h], x[h:2*h]
	for j := range h {
		dst[j] = float32(lo[j]*cos[j]) + float32(-hi[j]*sin[j])
		dst[j+h] = float32(hi[j]*cos[j]) + float32(lo[j]*sin[j])
	}
}

// RotateBackward adds to dx the gradient of Rotate's x under dy: dy turned back.
func RotateBackward(dx, dy, cos, sin []float32) {
	h := len(cos)
	lo, hi := dy[:h], dy[h:2*h]
	for j := range h {
		dx[j] += float32(lo[j]*cos[j]) + float32(hi[j]*sin[j])
		dx[j+h] += float32(hi[j]*cos[j]) - float32(lo[j]*sin[j])
	}
}

// AddScaled is dst = dst + x * s.
func AddScaled(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(x[i] * s)
	}
}
