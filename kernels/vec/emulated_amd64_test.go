//go:build !purego

package vec

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels/internal/emulate"
)

// emulated is the kernels of AVX-512, with their assembly run on an emulated processor; nil, and the reason, where there is none.
func emulated(t *testing.T, name string) (*Kernels, string) {
	if name != "avx512" {
		return nil, "not emulated"
	}
	processor, reason := emulate.Start(t)
	if processor == nil {
		return nil, reason
	}
	return &Kernels{emulate512(&routinesAVX512, func(routine any, args ...any) {
		if err := processor.Call(routine, args...); err != nil {
			t.Error(err)
		}
	})}, ""
}

// emulate512 is the routines of v by way of call, each with exactly the memory that its contract gives it. What a
// routine only reads it gets a copy of, since an array that is given twice comes back twice.
func emulate512(v *routines, call func(routine any, args ...any)) *routines {
	out := func(n int, x *float32) []byte { return emulate.Bytes(unsafe.Slice(x, n)) }
	in := func(n int, x *float32) []byte { return slices.Clone(out(n, x)) }
	return &routines{
		add:    func(n int, dst, a, b *float32) { call(v.add, n, out(16*n, dst), in(16*n, a), in(16*n, b)) },
		scale:  func(n int, dst, x, s *float32) { call(v.scale, n, out(16*n, dst), in(16*n, x), in(1, s)) },
		divide: func(n int, dst, x, s *float32) { call(v.divide, n, out(16*n, dst), in(16*n, x), in(1, s)) },
		rotate: func(n int, dstLow, dstHigh, low, high, cos, sin *float32) {
			call(v.rotate, n, out(16*n, dstLow), out(16*n, dstHigh), in(16*n, low), in(16*n, high), in(16*n, cos), in(16*n, sin))
		},
		quickGELU: func(n int, dst, x *float32) { call(v.quickGELU, n, out(16*n, dst), in(16*n, x)) },
		gelu:      func(n int, dst, x *float32) { call(v.gelu, n, out(16*n, dst), in(16*n, x)) },
		swiGLU: func(n int, dst, gate, up *float32) {
			call(v.swiGLU, n, out(16*n, dst), in(16*n, gate), in(16*n, up))
		},
		quickGELUBackward: func(n int, dx, x, dy *float32) {
			call(v.quickGELUBackward, n, out(16*n, dx), in(16*n, x), in(16*n, dy))
		},
		swiGLUBackward: func(n int, dgate, dup, gate, up, dy *float32) {
			call(v.swiGLUBackward, n, out(16*n, dgate), out(16*n, dup), in(16*n, gate), in(16*n, up), in(16*n, dy))
		},
		rmsNorm: func(n int, dst, x, weight, r *float32) {
			call(v.rmsNorm, n, out(16*n, dst), in(16*n, x), in(16*n, weight), in(1, r))
		},
		layerNorm: func(n int, dst, x, weight, bias, mean, r *float32) {
			call(v.layerNorm, n, out(16*n, dst), in(16*n, x), in(16*n, weight), in(16*n, bias), in(1, mean), in(1, r))
		},
		expSum: func(n int, dst, x, top, lanes *float32) {
			call(v.expSum, n, out(16*n, dst), in(16*n, x), in(1, top), out(16, lanes))
		},
		maximum: func(n int, x, lanes *float32) { call(v.maximum, n, in(16*n, x), out(16, lanes)) },
		sum:     func(n int, x, lanes *float32) { call(v.sum, n, in(16*n, x), out(16, lanes)) },
		sumSquares: func(n int, x, mean, lanes *float32) {
			call(v.sumSquares, n, in(16*n, x), in(1, mean), out(16, lanes))
		},
		nonFinite: func(n int, x, lanes *float32) { call(v.nonFinite, n, in(16*n, x), out(16, lanes)) },
		dot: func(n int, a, b, lanes *float32) {
			call(v.dot, n, in(16*n, a), in(16*n, b), out(16, lanes))
		},
		softmaxBackward: func(n int, dp, p, dot *float32) {
			call(v.softmaxBackward, n, out(16*n, dp), in(16*n, p), in(1, dot))
		},
		columnsExpSum: func(n int, x, tops, sums *float32) {
			call(v.columnsExpSum, n, out(16*n, x), in(16*n, tops), out(16*n, sums))
		},
		columnsScaleMax: func(n int, x, s, tops *float32) { call(v.columnsScaleMax, n, out(16*n, x), in(1, s), out(16*n, tops)) },
		columnsDivide:   func(n int, x, y *float32) { call(v.columnsDivide, n, out(16*n, x), in(16*n, y)) },
	}
}
