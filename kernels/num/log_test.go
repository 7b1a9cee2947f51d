package num

import (
	"math"
	"testing"
)

func TestLog(t *testing.T) {
	for _, x := range []float64{1e-300, 0.1, 0.5, 0.70710678, 0.9999999, 1, 1.5, 2, 10, 1e4, 1e6, 5e6, 1e300} {
		if got, want := Log(x), math.Log(x); math.Abs(got-want) > 1e-14*math.Max(1, math.Abs(want)) {
			t.Errorf("Log(%g) = %.17g, want %.17g", x, got, want)
		}
	}
}

func TestRotaryFrequencies(t *testing.T) {
	// torch: 1.0 / (1e6 ** (torch.arange(0, 16, 2).float() / 16))
	want := []float32{1, 0.17782794, 0.031622775, 0.0056234132, 0.001, 0.00017782794, 3.1622776e-05, 5.6234134e-06}
	for i, got := range RotaryFrequencies(16, 1e6) {
		if math.Abs(float64(got-want[i])) > 1.2e-7*float64(want[i]) {
			t.Errorf("frequency %d = %v, want %v", i, got, want[i])
		}
	}
}
