package pool

import (
	"slices"
	"testing"
)

func TestForCoversTheRangeOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := New(threads)
		t.Cleanup(p.Close)
		for _, n := range []int{0, 1, 2, 7, 100} {
			seen := make([]int32, n)
			p.For(n, 3, func(lo, hi int) {
				p.For(hi-lo, 1, func(a, b int) { // nested: must not hang
					for i := a; i < b; i++ {
						seen[lo+i]++
					}
				})
			})
			if i := slices.IndexFunc(seen, func(v int32) bool { return v != 1 }); i >= 0 {
				t.Errorf("%d threads: element %d of %d was visited %d times", threads, i, n, seen[i])
			}
		}
	}
}

// TestPieces: pieces cover all, grow no longer and are no shorter than they may be, and whether workers are equally fast or not, none
// waits for more than one of the shortest.
func TestPieces(t *testing.T) {
	for _, c := range []struct {
		n, least int
		speeds   []float64
	}{
		{48, 1, []float64{1, 1}}, {120, 1, []float64{1, 0.6}}, {280, 5, []float64{1, 1, 1, 1}}, {40, 1, []float64{1, 0.5, 1, 1}}, {7, 10, []float64{1, 1}}, {100, 1, []float64{1, 0.7, 0.9}}, {1, 1, []float64{1, 1}},
	} {
		j := &job{n: c.n, least: c.least, sharers: len(c.speeds)}
		busy := make([]float64, len(c.speeds))
		at, last := 0, c.n
		for {
			next := slices.Index(busy, slices.Min(busy))
			lo, hi := j.take()
			if lo == hi {
				break
			}
			if lo != at || hi-lo > max(last, c.least) || hi-lo < c.least && hi < c.n {
				t.Errorf("%+v: piece [%d, %d) after one of %d that ended at %d", c, lo, hi, last, at)
			}
			busy[next] += float64(hi-lo) / c.speeds[next]
			at, last = hi, hi-lo
		}
		if at != c.n {
			t.Errorf("%+v: pieces end at %d", c, at)
		}
		if wait := slices.Max(busy) - slices.Min(busy); wait > float64(c.least)/slices.Min(c.speeds)+1e-9 && c.n > c.least*len(c.speeds) {
			t.Errorf("%+v: workers end at %v, one waits for %v", c, busy, wait)
		}
	}
}

func TestForPassesPanicsOn(t *testing.T) {
	p := New(3)
	t.Cleanup(p.Close)
	defer func() {
		if v := recover(); v != "broken" {
			t.Errorf("recovered %v", v)
		}
	}()
	p.For(100, 1, func(lo, _ int) {
		if lo > 20 {
			panic("broken")
		}
	})
}
