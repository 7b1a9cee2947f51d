package lens

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestExplained: what is a linear map of the features is explained, what has nothing to do with them is not, and of what is half
// of each, half.
func TestExplained(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := &samples{}
	for i := range 600 {
		x := make([]float32, 8)
		for c := range x {
			x[c] = float32(r.NormFloat64()) * float32(math.Pow(10, float64(c-4))) // features of all sizes
		}
		x[7] = 5 // and one that never varies
		linear := 2 + float64(x[0])*3e4 - float64(x[5])/10
		noise := r.NormFloat64()
		s.add(i/2, x, []float64{linear, noise, linear/math.Sqrt(9.01) + noise})
	}
	got, err := s.explained()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1, 0, 0.5} {
		if math.Abs(got[i]-want) > 0.08 {
			t.Errorf("R² of target %d is %.3f, want %.1f", i, got[i], want)
		}
	}
}

// TestExplainedLeavesPicturesOut: features that only tell one picture from another explain nothing of pictures that are left out,
// however well a map fits.
func TestExplainedLeavesPicturesOut(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	s := &samples{}
	for picture := range 40 {
		value := r.NormFloat64()
		for range 10 {
			x := make([]float32, 40)
			x[picture] = 1
			s.add(picture, x, []float64{value})
		}
	}
	got, err := s.explained()
	if err != nil {
		t.Fatal(err)
	}
	if got[0] > 0.05 {
		t.Errorf("R² is %.3f: the map was held against samples that it was fitted to", got[0])
	}
}

// TestExplainedAsReference: the weights of one penalty are those of the normal equations, found by hand.
func TestExplainedAsReference(t *testing.T) {
	s := &samples{}
	for i, x := range []float32{-1, 0, 1, 2} {
		s.add(0, []float32{x}, []float64{[]float64{0, 1, 1, 4}[i]})
	}
	w, err := s.normal(0).solve(0.5)
	if err != nil {
		t.Fatal(err)
	}
	// [4 2; 2 6+0.5*4] w = [6; 9]
	if want := [2]float64{(6*8 - 2*9) / 28.0, (4*9 - 2*6) / 28.0}; math.Abs(w.At(0, 0)-want[0]) > 1e-12 || math.Abs(w.At(1, 0)-want[1]) > 1e-12 {
		t.Errorf("weights %v, %v; want %v", w.At(0, 0), w.At(1, 0), want)
	}
}
