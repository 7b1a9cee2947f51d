package vec

// Add is dst = a + b. dst may be a or b.
func Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Add is the function Add, the same bits.
func (k *Kernels) Add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	n := k.whole(len(dst))
	if n > 0 {
		k.add(n/width, &dst[0], &a[0], &b[0])
	}
	Add(dst[n:], a[n:], b[n:])
}

// Scale is dst = x * s. dst may be x.
func Scale(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * s
	}
}

// Scale is the function Scale, the same bits.
func (k *Kernels) Scale(dst, x []float32, s float32) {
	x = x[:len(dst)]
	n := k.whole(len(dst))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		w.a = s
		k.scale(n/width, &dst[0], &x[0], &w.a)
		scalarsPool.Put(w)
	}
	Scale(dst[n:], x[n:], s)
}

// AddScaled is dst = dst + x * s.
func AddScaled(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(x[i] * s)
	}
}
