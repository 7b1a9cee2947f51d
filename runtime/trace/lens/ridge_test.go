package lens

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// TestExplainedAsReference: the weights of one penalty are those of the normal equations over standardized features, found by
// hand.
func TestExplainedAsReference(t *testing.T) {
	s := &samples{}
	for i, x := range []float32{-1, 0, 1, 2} {
		s.add(5*i, []float32{x}, []float64{[]float64{0, 1, 1, 4}[i]})
	}
	d := s.problem([]int{0}).design(4, 4)
	w, err := d.solve(0.5)
	if err != nil {
		t.Fatal(err)
	}
	// mean 0.5, variance 1.25, covariance 1.5 with targets of mean 1.5: w = 1.5/sqrt(1.25) / (1 + 0.5)
	if want := 1 / math.Sqrt(1.25); math.Abs(w.At(0, 0)-want) > 1e-12 || d.targets[0] != 1.5 {
		t.Errorf("weight %v, mean %v; want %v and 1.5", w.At(0, 0), d.targets[0], want)
	}
}

// TestExplainedAsScikitLearn holds R² to what scikit-learn's StandardScaler and Ridge give on the same folds; ../testdata/probe.py
// made the numbers.
func TestExplainedAsScikitLearn(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "probe.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		X         [][]float32
		Y         [][]*float64
		Picture   []int
		Explained []float64
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for n, c := range cases {
		s := &samples{}
		for i, x := range c.X {
			y := make([]float64, len(c.Y[i]))
			for k, v := range c.Y[i] {
				if y[k] = math.NaN(); v != nil {
					y[k] = *v
				}
			}
			s.add(c.Picture[i], x, y)
		}
		got, err := s.explained()
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range c.Explained {
			if !(math.Abs(got[k]-want) < 1e-7) {
				t.Errorf("case %d, target %d: R² is %v, and scikit-learn's %v", n, k, got[k], want)
			}
		}
	}
}

// random are samples of pictures that a target is partly read off, with another target beside it that is not.
func random(r *rand.Rand, pictures int) *samples {
	s := &samples{}
	for picture := range pictures {
		x := make([]float32, 6)
		for c := range x {
			x[c] = float32(r.NormFloat64())
		}
		s.add(picture, x, []float64{float64(x[0]) + 0.5*r.NormFloat64(), r.NormFloat64() + 0.3*float64(x[1])})
	}
	return s
}

// clone is samples whose targets f may change.
func (s *samples) clone(f func(y []float64) []float64) *samples {
	out := &samples{x: s.x, picture: s.picture}
	for _, y := range s.y {
		out.y = append(out.y, f(slices.Clone(y)))
	}
	return out
}

// TestProbeLaws: one target's units, place and name move no other's number, nor its own; a target that is not told anywhere near
// changes nothing; a record that is there twice counts once.
func TestProbeLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		s := random(r, 30)
		explained := func(s *samples) []float64 {
			t.Helper()
			out, err := s.explained()
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		plain := explained(s)
		near := func(what string, got, want float64) {
			t.Helper()
			if !(math.Abs(got-want) < 1e-9) {
				t.Errorf("%s: R² is %v, was %v", what, got, want)
			}
		}
		scaled := explained(s.clone(func(y []float64) []float64 { y[1] = 1000*y[1] + 7; return y }))
		if scaled[0] != plain[0] {
			t.Errorf("the other target in other units: R² is %v, was %v", scaled[0], plain[0])
		}
		near("a target in other units", scaled[1], plain[1])
		turned := explained(s.clone(func(y []float64) []float64 { y[0], y[1] = y[1], y[0]; return y }))
		near("targets in another order", turned[1], plain[0])
		alone := explained(s.clone(func(y []float64) []float64 { return y[:1] }))
		near("a target alone", alone[0], plain[0])
		n := 0
		some := explained(s.clone(func(y []float64) []float64 {
			if n++; n%2 == 0 {
				y[1] = math.NaN()
			}
			return y
		}))
		near("a target beside one that half of the records tell", some[0], plain[0])
		twice := &samples{x: append(slices.Clone(s.x), s.x[3], s.x[3], s.x[8]), y: append(slices.Clone(s.y), s.y[3], s.y[3], s.y[8]), picture: append(slices.Clone(s.picture), 3, 3, 8)}
		for i, v := range explained(twice) {
			near("records that are there twice", v, plain[i])
		}
	}
}

// TestCopiesTellNothing: features that only tell one picture from another explain nothing, however many copies of it there are
// and wherever they stand.
func TestCopiesTellNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	s := &samples{}
	values := make([]float64, 20)
	for i := range values {
		values[i] = r.NormFloat64()
	}
	for i := range 60 {
		picture := i % len(values)
		x := make([]float32, len(values))
		x[picture] = 1
		s.add(picture, x, []float64{values[picture]})
	}
	got, err := s.explained()
	if err != nil {
		t.Fatal(err)
	}
	if got[0] > 0.05 {
		t.Errorf("R² is %.3f: copies of a picture were on both sides", got[0])
	}
}

// TestStandardizedByTrainingFolds: the mean and deviation of features are those of the folds that a map is fitted to.
func TestStandardizedByTrainingFolds(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	s := random(r, 25)
	before := s.problem([]int{0}).design(2, 3)
	for i, picture := range s.picture {
		if picture%folds == 2 || picture%folds == 3 {
			for c := range s.x[i] {
				s.x[i][c] *= 100
			}
		}
	}
	after := s.problem([]int{0}).design(2, 3)
	a, err := before.solve(0.1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := after.solve(0.1)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 6 {
		if math.Abs(before.scale[c]-after.scale[c]) > 1e-9 || math.Abs(a.At(c, 0)-b.At(c, 0)) > 1e-9 {
			t.Errorf("feature %d: what was left out moves its scale from %v to %v and its weight from %v to %v", c, before.scale[c], after.scale[c], a.At(c, 0), b.At(c, 0))
		}
	}
}
