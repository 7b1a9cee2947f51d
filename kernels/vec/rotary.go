package vec

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

// Rotate is the function Rotate, the same bits.
func (k *Kernels) Rotate(dst, x, cos, sin []float32) {
	h := len(cos)
	n := k.whole(h)
	if n == 0 {
		Rotate(dst, x, cos, sin)
		return
	}
	low, high, dstLow, dstHigh := x[:h], x[h:2*h], dst[:h], dst[h:2*h]
	sin = sin[:h]
	k.rotate(n/width, &dstLow[0], &dstHigh[0], &low[0], &high[0], &cos[0], &sin[0])
	if n < h { // the last 16 pairs, some for the second time: dst is not x
		i := h - width
		k.rotate(1, &dstLow[i], &dstHigh[i], &low[i], &high[i], &cos[i], &sin[i])
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
