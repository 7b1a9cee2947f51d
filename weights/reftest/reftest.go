package reftest

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/loupe-vl/loupe/weights"
)

// Tolerance is how far a number may be from the reference, as a part of its tensor's largest: that of the golden tests.
const Tolerance = 2e-4

// File is a fixture. It is a source of weights too.
type File struct {
	*weights.Checkpoint
	t testing.TB
}

// Open maps a fixture until the test ends.
func Open(t testing.TB, path string) *File {
	t.Helper()
	c, err := weights.OpenCheckpointFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &File{c, t}
}

// Find is the tensor of that name; the test ends where there is none.
func (f *File) Find(name string) weights.Tensor {
	f.t.Helper()
	for _, x := range f.Tensors() {
		if x.Name == name {
			return x
		}
	}
	f.t.Fatalf("the fixture has no tensor %s", name)
	panic("not reached")
}

// Integers are the elements of a tensor of I64 or I32.
func (f *File) Integers(name string) []int {
	f.t.Helper()
	x := f.Find(name)
	out := make([]int, x.Len())
	for i := range out {
		switch x.DType {
		case weights.I64:
			out[i] = int(binary.LittleEndian.Uint64(x.Data[8*i:]))
		case weights.I32:
			out[i] = int(int32(binary.LittleEndian.Uint32(x.Data[4*i:])))
		default:
			f.t.Fatalf("tensor %s is %v, and no integers", name, x.DType)
		}
	}
	return out
}

// Near is Compare with the tensor of that name, within Tolerance.
func (f *File) Near(t testing.TB, name string, got []float32) {
	t.Helper()
	Compare(t, name, got, f.Find(name).F32(), Tolerance)
}

// Compare fails unless got is within tolerance of want, as a part of want's largest finite number. NaN is within it of nothing, and an
// infinity of itself alone.
func Compare[T float32 | float64](t testing.TB, name string, got, want []T, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d numbers, want %d", name, len(got), len(want))
		return
	}
	worst, largest := 0.0, 0.0
	for i := range want {
		w := float64(want[i])
		if got[i] != want[i] {
			worst = max(worst, math.Abs(float64(got[i])-w)) // max keeps a NaN
		}
		if !math.IsInf(w, 0) {
			largest = max(largest, math.Abs(w))
		}
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s is off by %.2g of its largest value %.3g, more than %.0e", name, worst/largest, largest, tolerance)
	}
}
