package metrics

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// TestAgree holds the agreement of raters to pingouin and irrCAC (testdata/make.py).
func TestAgree(t *testing.T) {
	text, err := os.ReadFile("testdata/raters.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Name       string
		Ratings    [][]float64
		ICC, Kappa float64
	}
	if err := json.Unmarshal(text, &sets); err != nil || len(sets) == 0 {
		t.Fatalf("%d sets, %v", len(sets), err)
	}
	for _, s := range sets {
		a, err := Agree(context.Background(), s.Ratings, Options{Resamples: 200})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(a.ICC.Value-s.ICC) > 1e-12 || math.Abs(a.Kappa.Value-s.Kappa) > 1e-12 {
			t.Errorf("%s: ICC %v and kappa %v, want %v and %v", s.Name, a.ICC.Value, a.Kappa.Value, s.ICC, s.Kappa)
		}
		if !(a.ICC.Low < a.ICC.Value && a.ICC.Value < a.ICC.High) {
			t.Errorf("%s: the interval %v to %v does not hold %v", s.Name, a.ICC.Low, a.ICC.High, a.ICC.Value)
		}
	}
}

func TestAgreeOfLittle(t *testing.T) {
	if a, err := Agree(context.Background(), [][]float64{{1}, {2}, nil}, Options{}); a != nil || err != nil {
		t.Errorf("one rating a picture: %+v, %v", a, err)
	}
	a, err := Agree(context.Background(), [][]float64{{3, 3}, {3, 3}}, Options{})
	if err != nil || a.ICC.Reason == "" || a.Kappa.Reason == "" {
		t.Errorf("ratings that are all equal: %+v, %v", a, err)
	}
	if _, err := Agree(context.Background(), [][]float64{{1, math.Inf(1)}}, Options{}); err == nil {
		t.Error("an infinite rating was taken")
	}
}

// TestStep: the step is that of the scores, whole ones have 1, and what has none is not rounded.
func TestStep(t *testing.T) {
	for _, c := range []struct {
		scores []float64
		want   float64
	}{
		{[]float64{3, 50, 71}, 1}, {[]float64{10, 20, 40}, 1}, {[]float64{8.5, 7, 6}, 0.5}, {[]float64{0.25, 4}, 0.25}, {[]float64{0.1, 0.3, 0.9}, 0.1},
		{[]float64{8.15, 2}, 0.05}, {[]float64{1.0 / 3, 1}, 0}, {[]float64{0.883, 0.937}, 0.001}, {[]float64{1e6 + 0.123456}, 0}, {[]float64{-2.5, 0}, 0.5}, {nil, 1},
	} {
		if got := Step(c.scores); got != c.want {
			t.Errorf("the step of %v is %v, want %v", c.scores, got, c.want)
		}
	}
}

// TestRepeatedPictures: pairs that stand there three times, as three records of one picture, widen nothing and narrow nothing:
// the values and intervals are those of the pictures.
func TestRepeatedPictures(t *testing.T) {
	p := related(30, 9)
	once := evaluate(t, p, Options{Seed: 4, Resamples: 300})
	var three Pairs
	var group []int
	for i := range p.Truth {
		for range 3 {
			three.Truth, three.Predicted, group = append(three.Truth, p.Truth[i]), append(three.Predicted, p.Predicted[i]), append(group, i)
		}
	}
	again := evaluate(t, three, Options{Seed: 4, Resamples: 300, Group: group})
	if again.N != 90 || again.Pictures != 30 || once.Pictures != 30 {
		t.Errorf("%d pairs of %d pictures", again.N, again.Pictures)
	}
	alone := evaluate(t, three, Options{Seed: 4, Resamples: 300})
	for name, want := range once.estimates() {
		got := again.estimates()[name]
		if name == "icc" {
			continue // its residual has as many degrees of freedom as there are pairs
		}
		if math.Abs(got.Value-want.Value) > 1e-9 || math.Abs(got.Low-want.Low) > 1e-9 || math.Abs(got.High-want.High) > 1e-9 {
			t.Errorf("%s = %v (%v to %v), of the pictures once %v (%v to %v)", name, got.Value, got.Low, got.High, want.Value, want.Low, want.High)
		}
		if free := alone.estimates()[name]; !(free.High-free.Low < 0.9*(want.High-want.Low)) {
			t.Errorf("%s: as 90 pictures the interval should be narrower, or this test sees nothing", name)
		}
	}
}

// TestTrueScoresAreNotClamped: a true score beyond all others pulls kappa as far as it lies.
func TestNearlyEqualScores(t *testing.T) {
	// as scores of 0.1 that went through sums: what differs is rounding, and its correlation would be any number
	nearly := []float64{0.1, math.Nextafter(0.1, 1), 0.1, 0.30000000000000004 - 0.2, 0.1}
	said := []float64{1, 5, 2, 4, 3}
	r, err := Evaluate(context.Background(), Pairs{nearly, said}, Options{Resamples: -1})
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]Estimate{"pearson": r.Pearson, "r2": r.R2} {
		if !math.IsNaN(e.Value) || e.Reason != equalTruth {
			t.Errorf("%s of scores that are equal but for rounding is %v, %q", name, e.Value, e.Reason)
		}
	}
	if c, known := Correlation(said, nearly); known {
		t.Errorf("they correlate by %v", c)
	}
	large := []float64{1e9, 1e9 + 5, 1e9 + 9, 1e9 + 2, 1e9 + 4} // a wide scale is not rounding
	if c, known := Correlation(said, large); !known || c < 0.1 {
		t.Errorf("large scores correlate by %v, %v", c, known)
	}
}

func TestTrueScoresAreNotClamped(t *testing.T) {
	p := Pairs{[]float64{1, 2, 3, 140}, []float64{1, 2, 3, 100}}
	near := Pairs{slices.Clone(p.Truth), p.Predicted}
	near.Truth[3] = 100
	if a, b := evaluate(t, p, Options{Resamples: -1}), evaluate(t, near, Options{Resamples: -1}); !(a.QWK.Value < b.QWK.Value) {
		t.Errorf("kappa with a true score of 140 is %v, with 100 %v", a.QWK.Value, b.QWK.Value)
	}
}
