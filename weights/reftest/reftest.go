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

// Near is an error of the test where numbers are not those of the tensor of that name, within Tolerance.
func (f *File) Near(t testing.TB, name string, got []float32) {
	t.Helper()
	want := f.Find(name).F32()
	if len(got) != len(want) {
		t.Errorf("%s has %d numbers, want %d", name, len(got), len(want))
		return
	}
	if most, off := largest(want), distance(got, want); !(off <= Tolerance*most) {
		t.Errorf("%s is off by %.3g, and its largest number is %.3g", name, off, most)
	}
}

// distance is the largest difference of two numbers at one place; NaN counts as infinite.
func distance(a, b []float32) (most float64) {
	for i := range a {
		d := math.Abs(float64(a[i] - b[i]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		most = max(most, d)
	}
	return most
}

func largest(a []float32) float64 { return distance(a, make([]float32, len(a))) }
