package num

import (
	"math"
	"os"
	"runtime"
	"sync"
	"testing"
)

// TestAllFloats measures Exp, Sigmoid and Erf over every float32, or over one of a stride: LOUPE_EXHAUSTIVE=1 goes through all.
func TestAllFloats(t *testing.T) {
	stride := uint64(4099) // prime
	if os.Getenv("LOUPE_EXHAUSTIVE") != "" {
		stride = 1
	}
	for _, f := range []struct {
		name string
		got  func(float32) float32
		want func(float64) float64
		most float64 // units of the last place
	}{
		{"Exp", Exp, math.Exp, 1},
		{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 2},
		{"Erf", Erf, math.Erf, 2},
	} {
		t.Run(f.name, func(t *testing.T) {
			var all sync.WaitGroup
			var mu sync.Mutex
			worst, at := 0.0, float32(0)
			n := runtime.GOMAXPROCS(0)
			for part := range n {
				all.Go(func() {
					far, where := 0.0, float32(0)
					for b := uint64(part) * stride; b < 1<<32; b += uint64(n) * stride {
						x := math.Float32frombits(uint32(b))
						got := f.got(x)
						u := ulps(got, f.want(float64(x)))
						if (got != got) != (x != x) {
							u = math.Inf(1)
						}
						if u > far {
							far, where = u, x
						}
					}
					mu.Lock()
					defer mu.Unlock()
					if far > worst {
						worst, at = far, where
					}
				})
			}
			all.Wait()
			t.Logf("%s is off by %.3f units of the last place at most, at %v", f.name, worst, at)
			if worst > f.most {
				t.Errorf("%s(%v) is off by %.3f units of the last place, more than %v", f.name, at, worst, f.most)
			}
		})
	}
}
