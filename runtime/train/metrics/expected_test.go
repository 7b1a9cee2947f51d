package metrics

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// expected is a data set of testdata/expected.json with what other libraries say of it (testdata/make.py).
type expected struct {
	Name      string
	Truth     []float64
	Predicted []float64
	Asked     float64
	Step      float64
	Group     []int
	TrainMean *float64 `json:"train_mean"`
	Resamples int
	Seed      uint64
	Bins      [][3]float64 // count, mean predicted, mean true score
	Want      map[string]struct {
		Value, Low, High *float64
		Undefined        int
	}
}

func (e expected) pairs() Pairs { return Pairs{e.Truth, e.Predicted} }

func (e expected) options() Options {
	return Options{Step: e.Asked, Group: e.Group, TrainMean: e.TrainMean, Resamples: e.Resamples, Seed: e.Seed}
}

func readExpected(t testing.TB) []expected {
	t.Helper()
	text, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []expected
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("expected.json holds no data sets: run make.py")
	}
	return out
}

// estimates are a report's statistics by their JSON names.
func (r Report) estimates() map[string]Estimate {
	return map[string]Estimate{
		"pearson": r.Pearson, "spearman": r.Spearman, "mae": r.MAE, "rmse": r.RMSE,
		"r2": r.R2, "qwk": r.QWK, "icc": r.ICC, "baseline_mae": r.Baseline,
	}
}

// near reports whether got is want to 1e-9, of want or of 1 whichever is more; nil asks for NaN.
func near(got float64, want *float64) bool {
	if want == nil {
		return math.IsNaN(got)
	}
	return math.Abs(got-*want) <= 1e-9*max(1, math.Abs(*want))
}

func show(x *float64) any {
	if x == nil {
		return "undefined"
	}
	return *x
}

// TestEvaluateAsScipy compares values and intervals with scipy, scikit-learn and numpy on the same resamples.
func TestEvaluateAsScipy(t *testing.T) {
	for _, e := range readExpected(t) {
		t.Run(e.Name, func(t *testing.T) {
			r, err := Evaluate(context.Background(), e.pairs(), e.options())
			if err != nil {
				t.Fatal(err)
			}
			if r.N != len(e.Truth) {
				t.Errorf("n = %d, want %d", r.N, len(e.Truth))
			}
			if r.QWKStep != e.Step {
				t.Errorf("kappa's step is %v, want %v", r.QWKStep, e.Step)
			}
			got := r.estimates()
			if len(e.Want) != len(got) {
				t.Errorf("expected.json has %d statistics, the report %d", len(e.Want), len(got))
			}
			for name, want := range e.Want {
				g := got[name]
				if !near(g.Value, want.Value) || !near(g.Low, want.Low) || !near(g.High, want.High) || g.Undefined != want.Undefined {
					t.Errorf("%s = %v (%v to %v, %d undefined), want %v (%v to %v, %d undefined)", name, g.Value, g.Low, g.High,
						g.Undefined, show(want.Value), show(want.Low), show(want.High), want.Undefined)
				}
				if (g.Reason == "") != (want.Value != nil) {
					t.Errorf("%s = %v with reason %q", name, g.Value, g.Reason)
				}
			}
		})
	}
}
