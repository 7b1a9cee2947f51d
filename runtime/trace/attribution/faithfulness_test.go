package attribution

import (
	"context"
	"math"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/weights/reftest"
)

func TestCurves(t *testing.T) {
	want := fixture.ReadReference(t, references)
	c := fixture.Open(t, committed, "image", headDir)
	m := compute(t, c, Contribution, Options{})
	for kind, target := range map[string]*loupe.GradTarget{"score": nil, "logit": {Token: -1}} {
		got, err := Measure(context.Background(), c.Model, c.Prompt, m, MeasureOptions{Target: target, Steps: fixtureCurve, Orders: 1})
		if err != nil {
			t.Fatal(err)
		}
		reftest.Compare(t, "deletion", got.Deletion.Value, want.Float64s(t, "image/deletion "+kind), tolerance)
		reftest.Compare(t, "insertion", got.Insertion.Value, want.Float64s(t, "image/insertion "+kind), tolerance)
		if first, last := got.Deletion.Value[0], got.Insertion.Value[fixtureCurve]; first != last {
			t.Errorf("%s: deletion begins at %v and insertion ends at %v; both are the whole picture", kind, first, last)
		}
		if first, last := got.Insertion.Value[0], got.Deletion.Value[fixtureCurve]; first != last {
			t.Errorf("%s: insertion begins at %v and deletion ends at %v; both are the baseline", kind, first, last)
		}
	}
}

// TestRandomOrders: the same seed gives the same curves, another one others, and a map of no order of its own has no margin
// that random orders do not have.
func TestRandomOrders(t *testing.T) {
	c := fixture.Open(t, committed, "image", headDir)
	m := compute(t, c, Contribution, Options{})
	measure := func(seed uint64) *Faithfulness {
		got, err := Measure(context.Background(), c.Model, c.Prompt, m, MeasureOptions{Steps: 3, Orders: 4, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	a, b, other := measure(1), measure(1), measure(2)
	if a.Random.Deletion.Area != b.Random.Deletion.Area || a.Random.DeletionSD != b.Random.DeletionSD {
		t.Error("the same seed gave other random curves")
	}
	if a.Random.Deletion.Area == other.Random.Deletion.Area {
		t.Error("another seed gave the same random curves")
	}
	if a.Random.DeletionSD == 0 {
		t.Error("random orders all have the same area")
	}
}

func TestArea(t *testing.T) {
	if got := area([]float64{0, 0.5, 1}, []float64{2, 4, 0}); got != 2.5 {
		t.Errorf("area is %v, want 2.5", got)
	}
	c, sd := meanCurve([]Curve{{Part: []float64{0, 1}, Value: []float64{0, 2}, Area: 1}, {Part: []float64{0, 1}, Value: []float64{2, 4}, Area: 3}})
	if c.Value[0] != 1 || c.Value[1] != 3 || c.Area != 2 || math.Abs(sd-math.Sqrt2) > 1e-15 {
		t.Errorf("mean curve is %v with deviation %v", c, sd)
	}
}
