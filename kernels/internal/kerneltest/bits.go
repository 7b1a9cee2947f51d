package kerneltest

import (
	"math"
	"slices"
	"testing"
)

// margin is how many numbers are written around every buffer of a test.
const margin = 16

// GuardBits are the bits of the NaN that buffers of Guarded hold, and that lies around them.
var GuardBits = math.Float32bits(float32(math.NaN()))

// Guarded is n floats with NaN on both sides, and a check that these are unchanged: a kernel that reads them makes NaNs, one that writes
// them is found out.
func Guarded(t *testing.T, n int) (x []float32, check func()) {
	all := make([]float32, n+2*margin)
	for i := range all {
		all[i] = math.Float32frombits(GuardBits)
	}
	return all[margin : margin+n : margin+n], func() {
		t.Helper()
		for i, v := range all {
			if (i < margin || i >= margin+n) && math.Float32bits(v) != GuardBits {
				t.Fatalf("element %d of %d was written", i-margin, n)
			}
		}
	}
}

// SameBits reports whether a and b are the same, bit by bit.
func SameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// SameNumbers is SameBits, but that one NaN is like another.
func SameNumbers(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x != x && y != y || math.Float32bits(x) == math.Float32bits(y) })
}
