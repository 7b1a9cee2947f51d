package metrics

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/floats"
)

// related are n pairs of whole and of broken scores that follow each other with noise.
func related(n int, seed uint64) Pairs {
	r := rand.New(rand.NewPCG(seed, 0))
	p := Pairs{make([]float64, n), make([]float64, n)}
	for i := range n {
		p.Truth[i] = float64(1 + r.IntN(100))
		p.Predicted[i] = 0.8*p.Truth[i] + 12*r.NormFloat64() + 5
	}
	return p
}

func evaluate(t *testing.T, p Pairs, o Options) Report {
	t.Helper()
	r, err := Evaluate(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var nans = cmpopts.EquateNaNs()

func TestEqualScoresAgreeFully(t *testing.T) {
	truth := related(50, 3).Truth
	r := evaluate(t, Pairs{truth, truth}, Options{Resamples: 50})
	for name, e := range r.estimates() {
		want := 1.0
		switch name {
		case "mae", "rmse":
			want = 0
		case "baseline_mae":
			continue
		}
		if math.Abs(e.Value-want) > 1e-12 || math.Abs(e.Low-want) > 1e-12 || math.Abs(e.High-want) > 1e-12 {
			t.Errorf("%s = %v (%v to %v), want %v", name, e.Value, e.Low, e.High, want)
		}
	}
}

func TestIntervalsHoldTheValue(t *testing.T) {
	for seed := range uint64(5) {
		for name, e := range evaluate(t, related(80, seed), Options{Seed: seed, Resamples: 400}).estimates() {
			if !(e.Low < e.Value && e.Value < e.High) {
				t.Errorf("seed %d: %s = %v, interval %v to %v", seed, name, e.Value, e.Low, e.High)
			}
		}
	}
}

func TestSeedFixesTheIntervals(t *testing.T) {
	p := related(40, 1)
	a, b := evaluate(t, p, Options{Seed: 5}), evaluate(t, p, Options{Seed: 5})
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("one seed, two reports:\n%s", d)
	}
	c := evaluate(t, p, Options{Seed: 6})
	for name, e := range c.estimates() {
		was := a.estimates()[name]
		if e.Value != was.Value {
			t.Errorf("%s = %v with another seed, %v before: the seed is of the interval alone", name, e.Value, was.Value)
		}
		if e.Low == was.Low && e.High == was.High {
			t.Errorf("%s has the same interval, %v to %v, for two seeds", name, e.Low, e.High)
		}
	}
}

func TestDefaultsAndNoResamples(t *testing.T) {
	p := related(20, 2)
	if d := cmp.Diff(evaluate(t, p, Options{Resamples: 2000}), evaluate(t, p, Options{})); d != "" {
		t.Errorf("no number of resamples is not 2000:\n%s", d)
	}
	r := evaluate(t, p, Options{Resamples: -1})
	if r.MAE.Value == 0 || !math.IsNaN(r.MAE.Low) || !math.IsNaN(r.MAE.High) || r.MAE.Reason != "" {
		t.Errorf("without resamples: %+v, want a value and no interval", r.MAE)
	}
}

func TestEvaluateLeavesItsInputAlone(t *testing.T) {
	p, same := related(30, 4), related(30, 4)
	evaluate(t, p, Options{Resamples: 5})
	if d := cmp.Diff(same, p); d != "" {
		t.Error(d)
	}
}

// TestOrderOfPairsDoesNotMatter turns the pairs around: the values stay, but for the order of sums.
func TestOrderOfPairsDoesNotMatter(t *testing.T) {
	p := related(31, 6)
	q := Pairs{make([]float64, 31), make([]float64, 31)}
	for i := range p.Truth {
		q.Truth[30-i], q.Predicted[30-i] = p.Truth[i], p.Predicted[i]
	}
	a, b := evaluate(t, p, Options{Resamples: -1}), evaluate(t, q, Options{Resamples: -1})
	if d := cmp.Diff(a, b, nans, cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Error(d)
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		name             string
		truth, predicted []float64
		want             map[string]string
	}{
		{"one pair", []float64{1}, []float64{2}, map[string]string{"pearson": fewPairs, "spearman": fewPairs, "r2": fewPairs, "icc": fewPairs}},
		{"one pair, equal", []float64{1}, []float64{1}, map[string]string{"pearson": fewPairs, "spearman": fewPairs, "r2": fewPairs, "icc": fewPairs, "qwk": oneClass}},
		{"equal truth", []float64{.1, .1, .1}, []float64{1, 2, 3}, map[string]string{"pearson": equalTruth, "spearman": equalTruth, "r2": equalTruth}},
		{"equal predicted", []float64{1, 2, 3}, []float64{.1, .1, .1}, map[string]string{"pearson": equalPredicted, "spearman": equalPredicted}},
		{"all equal", []float64{.1, .1, .1}, []float64{.1, .1, .1}, map[string]string{"pearson": equalTruth, "spearman": equalTruth, "r2": equalTruth, "qwk": oneClass, "icc": noVariation}},
		{"swapped", []float64{0, 1}, []float64{1, 0}, map[string]string{"icc": noVariation}},
		{"one class", []float64{2, 2, 2}, []float64{2.3, 1.9, 2.1}, map[string]string{"pearson": equalTruth, "spearman": equalTruth, "r2": equalTruth, "qwk": oneClass}},
		{"as far apart as can be", []float64{1e70, -1e70, 0}, []float64{-1e70, 1e70, 1}, map[string]string{}},
		{"as close as can be", []float64{1e-70, 2e-70, 4e-70}, []float64{3e-70, 1e-70, 2e-70}, map[string]string{"qwk": oneClass}},
		{"too close", []float64{1e-72, 2e-72, 4e-72}, []float64{3e-72, 1e-72, 2e-72}, map[string]string{"pearson": equalTruth, "r2": equalTruth, "qwk": oneClass, "icc": noVariation}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]string{}
			for name, e := range evaluate(t, Pairs{c.truth, c.predicted}, Options{Resamples: 20}).estimates() {
				if (e.Reason != "") != math.IsNaN(e.Value) || math.IsInf(e.Value, 0) {
					t.Errorf("%s = %v with reason %q", name, e.Value, e.Reason)
				}
				if e.Reason != "" {
					got[name] = e.Reason
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestScaleDoesNotMatter: correlation, R2 and agreement are of ratios, at any scale that is let through.
func TestScaleDoesNotMatter(t *testing.T) {
	p := related(30, 5)
	want := evaluate(t, p, Options{Resamples: 30}).estimates()
	for _, by := range []float64{1e-68, 1e-30, 1e30, 1e67} {
		q := Pairs{slices.Clone(p.Truth), slices.Clone(p.Predicted)}
		floats.Scale(by, q.Truth)
		floats.Scale(by, q.Predicted)
		got := evaluate(t, q, Options{Resamples: 30}).estimates()
		for _, name := range []string{"pearson", "spearman", "r2", "icc"} {
			if d := cmp.Diff(want[name], got[name], cmpopts.EquateApprox(1e-9, 0)); d != "" {
				t.Errorf("scores times %v: %s:\n%s", by, name, d)
			}
		}
	}
}

// TestCorrelationStaysWithinOne: sums of a straight line round to either side of 1.
func TestCorrelationStaysWithinOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := Pairs{make([]float64, 10), make([]float64, 10)}
		slope := 3 * r.Float64()
		for i := range p.Truth {
			p.Truth[i] = float64(r.IntN(1000)) / 10
			p.Predicted[i] = slope*p.Truth[i] + 7.3
		}
		if v := evaluate(t, p, Options{Resamples: -1}).Pearson.Value; v > 1 || v < 1-1e-12 {
			t.Errorf("Pearson of a line is %v", v)
		}
	}
}

func TestRanks(t *testing.T) {
	c := newColumn([]float64{3, 1, 4, 1, 5, 4, 4}, 1)
	if d := cmp.Diff([]float64{3, 1.5, 5, 1.5, 7, 5, 5}, c.rank); d != "" {
		t.Error(d)
	}
}

func TestNoResampleDefinesIt(t *testing.T) {
	if e := estimate(0.5, "", []float64{math.NaN(), math.NaN()}); e.Value != 0.5 || !math.IsNaN(e.Low) || e.Reason != noResample || e.Undefined != 2 {
		t.Errorf("%+v, want the value, no interval and the reason %q", e, noResample)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	good, nan := Pairs{[]float64{1, 2}, []float64{2, 3}}, math.NaN()
	for _, c := range []struct {
		name string
		p    Pairs
		o    Options
		want string
	}{
		{"nothing", Pairs{}, Options{}, "no pairs"},
		{"lengths", Pairs{[]float64{1, 2}, []float64{1}}, Options{}, "2 true scores but 1"},
		{"NaN", Pairs{[]float64{1, nan}, []float64{1, 2}}, Options{}, "pair 2 is (NaN, 2)"},
		{"infinity", Pairs{[]float64{1}, []float64{math.Inf(-1)}}, Options{}, "pair 1 is (1, -Inf)"},
		{"beyond", Pairs{[]float64{1, 2}, []float64{1, 1.1e70}}, Options{}, "none beyond 1e+70"},
		{"step", good, Options{Step: -1}, "a step of -1"},
		{"step NaN", good, Options{Step: nan}, "a step of NaN"},
		{"groups", good, Options{Group: []int{0}}, "groups of 1 pairs for 2"},
		{"gap", good, Options{Group: []int{0, 2}}, "pair 2 is of group 2"},
		{"mean", good, Options{TrainMean: &nan}, "training mean is NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Evaluate(context.Background(), c.p, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestReportJSON holds the JSON to the contract: names, order, null for what is undefined, and back again.
func TestReportJSON(t *testing.T) {
	r := evaluate(t, Pairs{[]float64{55, 55}, []float64{50, 60}}, Options{Resamples: 3})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, key := range []string{"n", "pearson", "spearman", "mae", "rmse", "r2", "qwk", "icc", "baseline_mae"} {
		at := strings.Index(string(text), `"`+key+`":`)
		if at <= last {
			t.Errorf("%q is missing or out of order in %s", key, text)
		}
		last = at
	}
	if want := `"pearson":{"value":null,"low":null,"high":null,"reason":"all true scores are equal"}`; !strings.Contains(string(text), want) {
		t.Errorf("%s lacks %s", text, want)
	}
	if want := `"mae":{"value":5,"low":5,"high":5}`; !strings.Contains(string(text), want) {
		t.Errorf("%s lacks %s", text, want)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back, nans); d != "" {
		t.Error(d)
	}
}

// TestMeanOf: the mean of the absolute differences is the MAE, on the same resamples.
func TestMeanOf(t *testing.T) {
	p := related(30, 8)
	diff := make([]float64, 30)
	for i := range diff {
		diff[i] = math.Abs(p.Truth[i] - p.Predicted[i])
	}
	o := Options{Seed: 4, Resamples: 100}
	got, err := MeanOf(context.Background(), diff, o)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(evaluate(t, p, o).MAE, got, cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Errorf("the mean of the absolute differences is not the MAE:\n%s", d)
	}
	if _, err := MeanOf(context.Background(), nil, o); err == nil {
		t.Error("the mean of nothing is no error")
	}
}
