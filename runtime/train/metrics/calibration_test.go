package metrics

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCalibrationAsNumpy compares five bins of every data set with numpy.histogram's.
func TestCalibrationAsNumpy(t *testing.T) {
	for _, e := range readExpected(t) {
		t.Run(e.Name, func(t *testing.T) {
			got, err := Calibration(e.pairs(), 5)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(e.Bins) {
				t.Fatalf("%d bins hold pairs, want %d", len(got), len(e.Bins))
			}
			for i, b := range got {
				want := e.Bins[i]
				if float64(b.Count) != want[0] || !near(b.Predicted, &want[1]) || !near(b.Truth, &want[2]) {
					t.Errorf("bin %d: %d pairs, means %v and %v, want %v", i, b.Count, b.Predicted, b.Truth, want)
				}
			}
		})
	}
}

func TestCalibrationBins(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Pairs
		bins int
		want []Bin
	}{
		{"edges belong to the bin above, the last to its own", Pairs{[]float64{1, 2, 3, 4, 5}, []float64{0, 25, 50, 75, 100}}, 4,
			[]Bin{{0, 25, 1, 0, 1}, {25, 50, 1, 25, 2}, {50, 75, 1, 50, 3}, {75, 100, 2, 87.5, 4.5}}},
		{"empty bins are left out", Pairs{[]float64{8, 6, 7}, []float64{10, 2, 3}}, 4,
			[]Bin{{2, 4, 2, 2.5, 6.5}, {8, 10, 1, 10, 8}}},
		{"one bin", Pairs{[]float64{1, 3}, []float64{4, 8}}, 1, []Bin{{4, 8, 2, 6, 2}}},
		{"equal predictions", Pairs{[]float64{1, 3}, []float64{4, 4}}, 7, []Bin{{4, 4, 2, 4, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Calibration(c.p, c.bins)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCalibrationHoldsEachPairOnce uses edges that are no exact floats and as many bins as can be.
func TestCalibrationHoldsEachPairOnce(t *testing.T) {
	p := Pairs{make([]float64, 301), make([]float64, 301)}
	for i := range p.Predicted {
		p.Predicted[i] = 0.1 * float64(i)
	}
	for _, bins := range []int{3, 7, 10, 100, 300, maxBins} {
		got, err := Calibration(p, bins)
		if err != nil {
			t.Fatal(err)
		}
		n, at := 0, math.Inf(-1)
		for i, b := range got {
			if b.Low < at || b.Predicted < b.Low || b.Predicted > b.High || b.Predicted == b.High && i < len(got)-1 {
				t.Errorf("%d bins: bin %d, %v to %v after %v, has the mean %v", bins, i, b.Low, b.High, at, b.Predicted)
			}
			n, at = n+b.Count, b.High
		}
		if n != len(p.Predicted) {
			t.Errorf("%d bins hold %d pairs of %d", bins, n, len(p.Predicted))
		}
	}
}

// TestCalibrationOnItsEdges puts predictions on edges for which dividing by the width says the bin below.
func TestCalibrationOnItsEdges(t *testing.T) {
	const low, high, bins = 6.376730728931249, 74.38690214249397, 7
	p := Pairs{make([]float64, bins+1), make([]float64, bins+1)}
	for i := range bins {
		p.Predicted[i] = low + (high-low)*(float64(i)/bins)
	}
	p.Predicted[bins] = high
	got, err := Calibration(p, bins)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != bins {
		t.Fatalf("%d bins hold pairs, want %d", len(got), bins)
	}
	for i, b := range got {
		if b.Low != p.Predicted[i] {
			t.Errorf("bin %d begins at %v, want %v", i, b.Low, p.Predicted[i])
		}
	}
}

func TestCalibrationRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Pairs
		bins int
		want string
	}{
		{"no bins", related(3, 1), 0, "0 calibration bins"},
		{"too many", related(3, 1), maxBins + 1, "1001 calibration bins"},
		{"no pairs", Pairs{}, 5, "no pairs"},
		{"beyond", Pairs{[]float64{1, 2}, []float64{-1e71, 1}}, 5, "pair 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Calibration(c.p, c.bins); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
