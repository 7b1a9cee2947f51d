package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestNormsAndSoftmax(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 2, 15, 16, 17, 64, 100, 1280} {
		x, w, b, out := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		var sum, squares float64
		for i := range x {
			x[i], w[i], b[i] = float32(r.NormFloat64()+3), float32(r.NormFloat64()), float32(r.NormFloat64())
			sum += float64(x[i])
			squares += float64(x[i]) * float64(x[i])
		}
		mean := sum / float64(n)
		variance := 0.0
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean)
		}
		variance /= float64(n)
		near := func(what string, got []float32, want func(i int) float64) {
			t.Helper()
			for i, g := range got {
				if d := math.Abs(float64(g) - want(i)); !(d < 2e-5) {
					t.Errorf("%s of %d: element %d is %v, want %v", what, n, i, g, want(i))
				}
			}
		}
		RMSNorm(out, x, w, 1e-6)
		near("RMSNorm", out, func(i int) float64 { return float64(x[i]) * float64(w[i]) / math.Sqrt(squares/float64(n)+1e-6) })
		if n > 1 {
			LayerNorm(out, x, w, b, 1e-6)
			near("LayerNorm", out, func(i int) float64 {
				return (float64(x[i])-mean)/math.Sqrt(variance+1e-6)*float64(w[i]) + float64(b[i])
			})
		}
		copy(out, x)
		Softmax(out)
		total := 0.0
		for _, v := range x {
			total += math.Exp(float64(v))
		}
		near("Softmax", out, func(i int) float64 { return math.Exp(float64(x[i])) / total })
	}
}
