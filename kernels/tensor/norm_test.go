package tensor

import (
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestNorms compares both norms with float64, on rows whose means are far from 0 and whose sizes differ, in windows of a
// wider tensor.
func TestNorms(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		eps        float32
	}{{1, 2, 1e-6}, {3, 16, 1e-6}, {5, 33, 1e-5}, {40, 1280, 1e-6}, {2, 8, 0.5}} {
		s := newSource(70)
		x := s.window(c.rows, c.cols)
		for i := range c.rows {
			for j := range x.Row(i) {
				x.Row(i)[j] = (x.Row(i)[j] + 3) * float32(1+i)
			}
		}
		n := &Norm{Weight: kernels.HostBuffer(s.floats(c.cols)), Bias: kernels.HostBuffer(s.floats(c.cols)), Eps: c.eps}
		var layer, rms []float64
		for i := range c.rows {
			mean, squares, variance := 0.0, 0.0, 0.0
			for _, v := range x.Row(i) {
				mean += float64(v) / float64(c.cols)
				squares += float64(v) * float64(v) / float64(c.cols)
			}
			for _, v := range x.Row(i) {
				variance += (float64(v) - mean) * (float64(v) - mean) / float64(c.cols)
			}
			for j, v := range x.Row(i) {
				layer = append(layer, (float64(v)-mean)/math.Sqrt(variance+float64(c.eps))*float64(n.Weight.Host()[j])+float64(n.Bias.Host()[j]))
				rms = append(rms, float64(v)/math.Sqrt(squares+float64(c.eps))*float64(n.Weight.Host()[j]))
			}
		}
		before := x.Clone()
		r := newRun(t, nil)
		near(t, "layer norm", r.LayerNorm(x, n).Data.Host(), layer, 2e-6)
		near(t, "RMS norm", r.RMSNorm(x, n).Data.Host(), rms, 1e-6)
		if !sameBits(x.Clone().Data.Host(), before.Data.Host()) {
			t.Error("the input was changed")
		}
	}
}

// TestNormOfZeros: eps keeps a row of zeros finite.
func TestNormOfZeros(t *testing.T) {
	x, r := Of(1, 4, make([]float32, 4)), newRun(t, nil)
	n := &Norm{Weight: kernels.HostBuffer([]float32{1, 2, 3, 4}), Bias: kernels.HostBuffer([]float32{5, 6, 7, 8}), Eps: 1e-6}
	if got := r.LayerNorm(x, n); !sameBits(got.Data.Host(), n.Bias.Host()) {
		t.Errorf("layer norm is %v", got.Data.Host())
	}
	if got := r.RMSNorm(x, n); !sameBits(got.Data.Host(), x.Data.Host()) {
		t.Errorf("RMS norm is %v", got.Data.Host())
	}
}
