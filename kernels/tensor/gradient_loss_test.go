package tensor

import (
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestLossGradients: what the losses say, and their gradients times a weight, which grow what is there.
func TestLossGradients(t *testing.T) {
	const weight = 1.5
	want, present := newSource(8).floats(6), []bool{true, true, false, true, true, false}
	labels := []int{3, IgnoreIndex, 0, 10}
	over := func(value func(d float64) float64) func(x matrix) float64 {
		return func(x matrix) float64 {
			sum := 0.0
			for i, ok := range present {
				if ok {
					sum += value(x.data[i]-float64(want[i])) / 4
				}
			}
			return sum
		}
	}
	for _, c := range []struct {
		name       string
		rows, cols int
		run        func(r *Run, x Tensor) float64
		twin       func(x matrix) float64
	}{
		{"CrossEntropy", 4, 11, func(r *Run, x Tensor) float64 { return r.CrossEntropy(x, labels, weight) }, func(x matrix) float64 {
			loss := 0.0
			for i, label := range labels {
				if label == IgnoreIndex {
					continue
				}
				sum := 0.0
				for _, v := range x.row(i) {
					sum += math.Exp(v)
				}
				loss += (math.Log(sum) - x.at(i, label)) / 3
			}
			return loss
		}},
		{"SquaredError", 1, 6, func(r *Run, x Tensor) float64 { return r.SquaredError(x, want, present, weight) }, over(func(d float64) float64 { return d * d })},
		{"Huber", 1, 6, func(r *Run, x Tensor) float64 { return r.Huber(x, want, present, weight) }, over(func(d float64) float64 {
			if math.Abs(d) <= 1 {
				return d * d / 2
			}
			return math.Abs(d) - 0.5
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSource(9)
			x := s.tensor(c.rows, c.cols)
			for i := range x.Data.Host() {
				x.Data.Host()[i] *= 2 // errors on both sides of Huber's bend
			}
			x.Grad = kernels.HostBuffer(make([]float32, x.Data.Len()))
			r := newRun(t, nil)
			r.Record(&Tape{})
			loss := c.run(r, x)
			r.Backward()
			r.Record(&Tape{})
			c.run(r, x)
			r.Backward()
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			wide := toMatrix(x)
			if value := c.twin(wide); math.Abs(loss-value) > valueBound*math.Abs(value) {
				t.Errorf("the loss is %v, want %v", loss, value)
			}
			twin := func(in []matrix) matrix { return matrix{1, 1, []float64{c.twin(in[0])}} }
			near(t, "the gradient", x.Grad.Host(), differences(twin, []matrix{wide}, 0, []float32{2 * weight}), gradientBound)
		})
	}
}
