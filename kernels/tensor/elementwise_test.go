package tensor

import (
	"math"
	"testing"
)

// TestElementwise compares the operations that work on each number alone with float64, on windows of wider tensors.
func TestElementwise(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, op := range []struct {
		name string
		do   func(r *Run, a, b Tensor) Tensor
		want func(a, b float64) float64
	}{
		{"Add", (*Run).Add, func(a, b float64) float64 { return a + b }},
		{"SwiGLU", (*Run).SwiGLU, func(a, b float64) float64 { return a * sigmoid(a) * b }},
		{"GELU", func(r *Run, a, _ Tensor) Tensor { return r.GELU(a) }, func(a, _ float64) float64 { return a / 2 * math.Erfc(-a/math.Sqrt2) }},
		{"QuickGELU", func(r *Run, a, _ Tensor) Tensor { return r.QuickGELU(a) }, func(a, _ float64) float64 { return a * sigmoid(1.702*a) }},
	} {
		t.Run(op.name, func(t *testing.T) {
			for _, size := range [][2]int{{1, 1}, {3, 5}, {100, 333}} { // the last is cut among the workers
				s := newSource(90)
				a, b := s.window(size[0], size[1]), s.window(size[0], size[1])
				a64, b64 := float64s(a), float64s(b)
				want := make([]float64, len(a64))
				for i := range want {
					want[i] = op.want(a64[i], b64[i])
				}
				r := newRun(t, nil)
				near(t, op.name, op.do(r, a, b).Data.Host(), want, 2e-7)
				near(t, "the first operand", a.Clone().Data.Host(), a64, 0)
				near(t, "the second operand", b.Clone().Data.Host(), b64, 0)
			}
		})
	}
}
