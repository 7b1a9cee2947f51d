package vec

import (
	"sync"

	"github.com/loupe-vl/loupe/kernels/num"
)

//go:generate go run ../gen/vec

// Kernels are the functions over slices by the assembly of one set of instructions. Where there is none, its methods are the Go loops.
type Kernels struct {
	*routines // nil for none
}

// Generic are the Go loops.
var Generic = &Kernels{}

// Set is the kernels of a set of instructions, by its name.
type Set struct {
	Name      string
	Available bool // on this processor
	*Kernels
}

// Sets lists those of this build, the preferred ones first. The last is "generic".
func Sets() []Set {
	return append(machineSets(), Set{"generic", true, Generic})
}

// routines are the assembly of a set of instructions, each over n times 16 elements, n > 0. Above each in the .s files stands its Go loop.
// Scalars and lanes go by pointer. Where a result is NaN, its sign and payload are not promised.
type routines struct {
	add    func(n int, dst, a, b *float32)
	scale  func(n int, dst, x, s *float32)
	divide func(n int, dst, x, s *float32)
	rotate func(n int, dstLow, dstHigh, low, high, cos, sin *float32)

	quickGELU         func(n int, dst, x *float32)
	gelu              func(n int, dst, x *float32)
	swiGLU            func(n int, dst, gate, up *float32)
	quickGELUBackward func(n int, dx, x, dy *float32)
	swiGLUBackward    func(n int, dgate, dup, gate, up, dy *float32)

	rmsNorm   func(n int, dst, x, weight, r *float32)
	layerNorm func(n int, dst, x, weight, bias, mean, r *float32)

	expSum          func(n int, dst, x, top, lanes *float32)
	softmaxBackward func(n int, dp, p, dot *float32)
	columnsScaleMax func(n int, x, s, tops *float32)
	columnsExpSum   func(n int, x, tops, sums *float32)
	columnsDivide   func(n int, x, y *float32)

	maximum    func(n int, x, lanes *float32)
	sum        func(n int, x, lanes *float32)
	sumSquares func(n int, x, mean, lanes *float32)
	dot        func(n int, a, b, lanes *float32)
	nonFinite  func(n int, x, lanes *float32)
}

// width is how many elements a routine takes at a time, on every machine.
const width = 16

// whole is how many of n elements go by a routine. The Go loop does the others, and all where there are no routines.
func (k *Kernels) whole(n int) int {
	if k.routines == nil {
		return 0
	}
	return n &^ (width - 1)
}

// scalars is what routines read and write beside slices. It comes from a pool: a pointer to a local variable would move that to the heap
// at each call, since the compiler does not see what a routine does with it.
type scalars struct {
	lanes num.Lanes
	a, b  float32
	rest  [width]float32
}

var scalarsPool = sync.Pool{New: func() any { return new(scalars) }}
