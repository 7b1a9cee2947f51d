package tensor

import (
	"testing"
	"unsafe"
)

// start is where a slice lies; two slices of the same memory have the same.
func start(x []float32) *float32 { return unsafe.SliceData(x) }

func newArena(t testing.TB) *Arena {
	a := new(Arena)
	a.on(device(t, 1))
	return a
}

func floats(t testing.TB, a *Arena, n int) []float32 {
	b, err := a.Floats(n)
	if err != nil {
		t.Fatal(err)
	}
	return b.Host()
}

// TestArenaKeepsLiveTensorsApart fills tensors of many sizes, some larger than a chunk, while blocks come and go, and
// looks whether any was overwritten.
func TestArenaKeepsLiveTensorsApart(t *testing.T) {
	a := newArena(t)
	s := newSource(1)
	type live struct {
		data  []float32
		value float32
	}
	var all []live
	var marks []Mark
	var heights []int // of all, at each mark
	next := float32(0)
	for range 3000 {
		switch {
		case len(marks) > 0 && s.IntN(4) == 0:
			last := len(marks) - 1
			a.Release(marks[last])
			all, marks, heights = all[:heights[last]], marks[:last], heights[:last]
		case s.IntN(4) == 0:
			marks, heights = append(marks, a.Mark()), append(heights, len(all))
		default:
			n := s.IntN(200)
			if s.IntN(40) == 0 {
				n = arenaChunk/2 + s.IntN(arenaChunk)
			}
			next++
			x := floats(t, a, n)
			if len(x) != n || cap(x) != n {
				t.Fatalf("%d floats have length %d, capacity %d", n, len(x), cap(x))
			}
			if n > 0 {
				x[0], x[n/2], x[n-1] = next, next, next
			}
			all = append(all, live{x, next})
		}
		for _, l := range all {
			if n := len(l.data); n > 0 && (l.data[0] != l.value || l.data[n/2] != l.value || l.data[n-1] != l.value) {
				t.Fatalf("a tensor of %d floats was overwritten while it lived", n)
			}
		}
		if len(all) > 60 {
			a.Reset()
			all, marks, heights = nil, nil, nil
		}
	}
}

func TestArenaReuse(t *testing.T) {
	a := newArena(t)
	first := floats(t, a, 10)
	mark := a.Mark()
	second := floats(t, a, 20)
	big := floats(t, a, 2*arenaChunk)
	a.Release(mark)
	if got := floats(t, a, 5); start(got) != start(second) {
		t.Error("Release did not give the memory after the mark back")
	}
	if got := floats(t, a, 2*arenaChunk); start(got) != start(big) {
		t.Error("Release did not give the second chunk back")
	}
	a.Reset()
	if got := floats(t, a, 3); start(got) != start(first) {
		t.Error("Reset did not give the first chunk back")
	}
	if got, want := a.Bytes(), 4*3*arenaChunk; got != want {
		t.Errorf("the arena holds %d bytes, want %d", got, want)
	}
}

// TestArenaSecondRunAllocatesNothing: a decode step reuses the memory of the step before it.
func TestArenaSecondRunAllocatesNothing(t *testing.T) {
	a := newArena(t)
	step := func() {
		a.Reset()
		for _, n := range []int{100, arenaChunk - 50, 7, 3 * arenaChunk, 9} {
			mark := a.Mark()
			floats(t, a, n)
			floats(t, a, 1000)
			if n == 7 {
				a.Release(mark)
			}
		}
	}
	step()
	before := a.Bytes()
	if n := testing.AllocsPerRun(5, step); n != 0 || a.Bytes() != before {
		t.Errorf("a later step allocates %v times and %d bytes", n, a.Bytes()-before)
	}
}

func TestScope(t *testing.T) {
	r := newRun(t, nil)
	x := r.New(3, 4)
	copy(x.Data.Host(), counting(3, 4).Data.Host())
	mark := r.arena.Mark()
	var inside Tensor
	for range 50 {
		out := r.Scope(x, func(x Tensor) Tensor {
			r.New(1000, 100)
			inside = r.Add(x, x)
			return inside
		})
		if start(out.Data.Host()) != start(x.Data.Host()) {
			t.Fatal("the result does not take the place of x")
		}
		if start(inside.Data.Host()) == start(x.Data.Host()) {
			t.Fatal("the block's memory is the residual stream's")
		}
		if r.arena.Mark() != mark {
			t.Fatal("the block's memory was not given back")
		}
		for i, v := range out.Data.Host() {
			if v != 2*float32(i) {
				t.Fatalf("element %d is %v, want %d", i, v, 2*i)
			}
		}
		copy(x.Data.Host(), counting(3, 4).Data.Host())
	}
	if got, want := r.arena.Bytes(), 4*arenaChunk; got != want {
		t.Errorf("50 blocks hold %d bytes, want those of one, %d", got, want)
	}
}

// TestScopeOfAView: the residual stream may be a window of a wider tensor, whose other columns stay.
func TestScopeOfAView(t *testing.T) {
	r := newRun(t, nil)
	wide := counting(3, 5)
	r.Scope(wide.Columns(1, 3), func(x Tensor) Tensor { return r.Add(x, x) })
	for i, v := range wide.Data.Host() {
		want := float32(i)
		if c := i % 5; c == 1 || c == 2 {
			want *= 2
		}
		if v != want {
			t.Errorf("element %d is %v, want %v", i, v, want)
		}
	}
}
