package kernels

import (
	"sync/atomic"
	"testing"
)

// TestForWith: every piece is run once, with what the call was given and by calls inside a call as well.
func TestForWith(t *testing.T) {
	e, err := New(Options{Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	type work struct {
		seen *[1000]atomic.Int32
		add  int32
	}
	var seen [1000]atomic.Int32
	count := func(w work, lo, hi int) {
		for i := lo; i < hi; i++ {
			w.seen[i].Add(w.add)
		}
	}
	ForWith(e, 2, 1, work{&seen, 7}, func(w work, lo, hi int) {
		for range hi - lo {
			ForWith(e, len(seen), 3, work{w.seen, w.add}, count)
		}
	})
	for i := range seen {
		if n := seen[i].Load(); n != 14 {
			t.Fatalf("piece %d was run %d times 1/7", i, n)
		}
	}
}
