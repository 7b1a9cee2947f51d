package kernels

import (
	"math"
	"slices"
	"sync"
)

//go:generate go run ./gen/vectors

// vectors are the assembly routines of a path, each over n times 16 elements, n > 0: see vector_amd64.go for the Go loop of
// each. Scalars and lanes go by pointer. Where a result is NaN, its sign and payload are not promised.
type vectors struct {
	add       func(n int, dst, a, b *float32)
	scale     func(n int, dst, x, s *float32)
	divide    func(n int, dst, x, s *float32)
	rotate    func(n int, dstLow, dstHigh, low, high, cos, sin *float32)
	quickGELU func(n int, dst, x *float32)
	gelu      func(n int, dst, x *float32)
	swiGLU    func(n int, dst, gate, up *float32)

	quickGELUBackward func(n int, dx, x, dy *float32)
	swiGLUBackward    func(n int, dgate, dup, gate, up, dy *float32)

	normRMS    func(n int, dst, x, weight, r *float32)
	normLayer  func(n int, dst, x, weight, bias, mean, r *float32)
	exponents  func(n int, dst, x, top, lanes *float32)
	maximum    func(n int, x, lanes *float32)
	sum        func(n int, x, lanes *float32)
	sumSquares func(n int, x, mean, lanes *float32)
	finite     func(n int, x, lanes *float32)
	products   func(n int, a, b, lanes *float32)

	exponentsOf  func(n int, x, tops, sums *float32)
	scaleMaximum func(n int, x, s, tops *float32)
	quotients    func(n int, x, y *float32)

	softmaxBackward func(n int, dp, p, dot *float32)
}

// width is how many elements a routine takes at a time, on every path.
const width = 16

// scalars is what routines read and write beside slices. It is used again: a pointer to a variable of the caller's would
// leave its stack, since the compiler does not see what a routine does with it.
type scalars struct {
	lanes lanes
	a, b  float32
	rest  [width]float32
}

var scalarsPool = sync.Pool{New: func() any { return new(scalars) }}

// whole is how many of n elements go by a routine: the plain Go form does the others, or all on a path without routines.
func (e *Engine) whole(n int) int { return e.path.whole(n) }

func (p *path) whole(n int) int {
	if p.vec == nil {
		return 0
	}
	return n &^ (width - 1)
}

// Add is [Add] by the engine's kernels, the same bits.
func (e *Engine) Add(dst, a, b []float32) { e.path.add(dst, a, b) }

func (p *path) add(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	n := p.whole(len(dst))
	if n > 0 {
		p.vec.add(n/width, &dst[0], &a[0], &b[0])
	}
	Add(dst[n:], a[n:], b[n:])
}

// Scale is [Scale] by the engine's kernels, the same bits.
func (e *Engine) Scale(dst, x []float32, s float32) {
	x = x[:len(dst)]
	n := e.whole(len(dst))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		w.a = s
		e.path.vec.scale(n/width, &dst[0], &x[0], &w.a)
		scalarsPool.Put(w)
	}
	Scale(dst[n:], x[n:], s)
}

// Rotate is [Rotate] by the engine's kernels, the same bits.
func (e *Engine) Rotate(dst, x, cos, sin []float32) {
	h := len(cos)
	n := e.whole(h)
	if n == 0 {
		Rotate(dst, x, cos, sin)
		return
	}
	low, high, dstLow, dstHigh := x[:h], x[h:2*h], dst[:h], dst[h:2*h]
	sin = sin[:h]
	e.path.vec.rotate(n/width, &dstLow[0], &dstHigh[0], &low[0], &high[0], &cos[0], &sin[0])
	if n < h { // the last 16 pairs, some for the second time: dst is not x
		i := h - width
		e.path.vec.rotate(1, &dstLow[i], &dstHigh[i], &low[i], &high[i], &cos[i], &sin[i])
	}
}

// QuickGELU is [QuickGELU] by the engine's kernels, the same bits.
func (e *Engine) QuickGELU(dst, x []float32) {
	dst = dst[:len(x)]
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.quickGELU(n/width, &dst[0], &x[0])
	}
	QuickGELU(dst[n:], x[n:])
}

// GELU is [GELU] by the engine's kernels, the same bits.
func (e *Engine) GELU(dst, x []float32) {
	dst = dst[:len(x)]
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.gelu(n/width, &dst[0], &x[0])
	}
	GELU(dst[n:], x[n:])
}

// SwiGLU is [SwiGLU] by the engine's kernels, the same bits.
func (e *Engine) SwiGLU(dst, gate, up []float32) {
	dst, up = dst[:len(gate)], up[:len(gate)]
	n := e.whole(len(gate))
	if n > 0 {
		e.path.vec.swiGLU(n/width, &dst[0], &gate[0], &up[0])
	}
	SwiGLU(dst[n:], gate[n:], up[n:])
}

// QuickGELUBackward is [QuickGELUBackward] by the engine's kernels, the same bits.
func (e *Engine) QuickGELUBackward(dx, x, dy []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	n := e.whole(len(x))
	if n > 0 {
		e.path.vec.quickGELUBackward(n/width, &dx[0], &x[0], &dy[0])
	}
	QuickGELUBackward(dx[n:], x[n:], dy[n:])
}

// SwiGLUBackward is [SwiGLUBackward] by the engine's kernels, the same bits.
func (e *Engine) SwiGLUBackward(dgate, dup, gate, up, dy []float32) {
	if dgate == nil || dup == nil {
		SwiGLUBackward(dgate, dup, gate, up, dy)
		return
	}
	dgate, dup, up, dy = dgate[:len(gate)], dup[:len(gate)], up[:len(gate)], dy[:len(gate)]
	n := e.whole(len(gate))
	if n > 0 {
		e.path.vec.swiGLUBackward(n/width, &dgate[0], &dup[0], &gate[0], &up[0], &dy[0])
	}
	SwiGLUBackward(dgate[n:], dup[n:], gate[n:], up[n:], dy[n:])
}

// ArgMax is [ArgMax] by the engine's kernels: the first element that equals the largest.
func (e *Engine) ArgMax(x []float32) int {
	n := e.whole(len(x))
	if n == 0 {
		return ArgMax(x)
	}
	w := scalarsPool.Get().(*scalars)
	defer scalarsPool.Put(w)
	e.path.vec.lanesMax(w, x)
	if i := slices.Index(x, slices.Max(w.lanes[:])); i >= 0 {
		return i
	}
	return ArgMax(x) // all is NaN
}

// FirstNonFinite is [FirstNonFinite] by the engine's kernels.
func (e *Engine) FirstNonFinite(x []float32) int {
	n := e.whole(len(x))
	if n > 0 {
		w := scalarsPool.Get().(*scalars)
		defer scalarsPool.Put(w)
		w.lanes = lanes{}
		e.path.vec.finite(n/width, &x[0], &w.lanes[0])
		if w.lanes != (lanes{}) {
			return FirstNonFinite(x)
		}
	}
	if i := FirstNonFinite(x[n:]); i >= 0 {
		return n + i
	}
	return -1
}

// lanesMax sets the lanes to the largest elements of x, whose length is no less than the width, NaN aside.
func (v *vectors) lanesMax(w *scalars, x []float32) {
	for i := range w.lanes {
		w.lanes[i] = float32(math.Inf(-1))
	}
	v.maximum(len(x)/width, &x[0], &w.lanes[0])
	v.maximum(1, &x[len(x)-width], &w.lanes[0]) // the last ones, some for the second time
}
