package tiles

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestCheckInSteadyMemory: a log is checked in memory that does not grow with it.
func TestCheckInSteadyMemory(t *testing.T) {
	sizes := []int64{2_000, 40_000}
	if os.Getenv("LOUPE_LONG") == "1" {
		sizes = []int64{100_000, 10_000_000}
	}
	var peaks []uint64
	for _, n := range sizes {
		peaks = append(peaks, checkedPeak(t, n))
	}
	if peaks[1] > peaks[0]+8<<20 {
		t.Errorf("checking %d entries takes %d bytes, and %d take %d", sizes[0], peaks[0], sizes[1], peaks[1])
	}
}

// checkedPeak is the most memory that was in use while a log of n entries was checked.
func checkedPeak(t *testing.T, n int64) uint64 {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log")
	s, keys := testKey(t)
	l, err := Create(dir, "example.org/log", s)
	if err != nil {
		t.Fatal(err)
	}
	for l.Size() < n {
		batch := make([][]byte, min(1<<13, n-l.Size()))
		for i := range batch {
			batch[i] = []byte(fmt.Sprint("entry ", l.Size()+int64(i)))
		}
		if err := l.Append(batch, s); err != nil {
			t.Fatal(err)
		}
	}
	r, err := OpenReader(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var peak uint64
	var m runtime.MemStats
	start := time.Now()
	err = r.Check(context.Background(), func(i int64, _ []byte) error {
		if i%(n/16+1) == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries in %.1f s, at most %.1f MB in use", n, time.Since(start).Seconds(), float64(peak)/1e6)
	return peak
}
