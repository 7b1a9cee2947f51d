package guard

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// faults reports whether f touches memory without access.
func faults(f func()) (fault bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() != nil }()
	f()
	return false
}

var sink float32

func TestPages(t *testing.T) {
	if !Enforced {
		t.Skip("this system has no pages to protect")
	}
	for _, n := range []int{1, 2, 7, 64, 1023, 1024, 1025, 5000} {
		tail, head := Tail[float32](t, n), Head[float32](t, n)
		for i := range n { // all of it may be written and read
			tail[i], head[i] = 1, 1
			sink = tail[i] + head[i]
		}
		after := (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(tail)), 4*n))
		before := (*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(head)), -4))
		if !faults(func() { sink = *after }) || !faults(func() { *after = 1 }) {
			t.Errorf("%d: the element after the tail has access", n)
		}
		if !faults(func() { sink = *before }) || !faults(func() { *before = 1 }) {
			t.Errorf("%d: the element before the head has access", n)
		}
	}
}

func TestLike(t *testing.T) {
	for _, side := range Sides {
		x := []uint16{1, 2, 3}
		got := Like(t, side, x)
		if len(got) != 3 || cap(got) != 3 || got[0] != 1 || got[2] != 3 {
			t.Errorf("%s: copy is %v with capacity %d", side, got, cap(got))
		}
		got[0] = 9
		if x[0] != 1 {
			t.Errorf("%s: the copy is the original", side)
		}
		if empty := Like(t, side, []float32{}); len(empty) != 0 {
			t.Errorf("%s: %d elements of an empty slice", side, len(empty))
		}
	}
}
