package paint_test

import (
	"context"
	"slices"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
	"github.com/loupe-vl/loupe/vit/picture"
)

// demoSeed is one that the embedded model was not trained on.
const demoSeed = 99

// painted is the embedded model with a prompt for a painting.
func painted(t *testing.T, m *loupe.Model, p paint.Painting) *loupe.Prompt {
	t.Helper()
	prompt, err := m.Prepare(context.Background(), loupe.Ask(loupe.DefaultQuestion, picture.Image{Width: p.Width, Height: p.Height, Pix: p.Pix}))
	if err != nil {
		t.Fatal(err)
	}
	return prompt
}

func embedded(t *testing.T) *loupe.Model {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestFlawIsFound holds the parts of the score against what the painter put in, on pictures that are good but for one ruined
// quadrant: in nine of ten they are least in that quadrant, and what the flaw takes from the score it takes there.
func TestFlawIsFound(t *testing.T) {
	m := embedded(t)
	parts := func(flaw paint.Flaw, i int) [4]float64 {
		p := painted(t, m, paint.PaintWithFlaw(demoSeed, i, flaw))
		found, err := attribution.Compute(context.Background(), m, p, attribution.Contribution, attribution.Options{Target: &loupe.GradTarget{Score: true}})
		if err != nil {
			t.Fatal(err)
		}
		return quadrants(found.Panels[0])
	}
	const pictures = 40
	lowest, taken := 0, 0
	for i := range pictures {
		quadrant := i % 4
		with, without := parts(paint.UpperLeft+paint.Flaw(quadrant), i), parts(paint.None, i)
		var loss [4]float64
		for q := range loss {
			loss[q] = with[q] - without[q]
		}
		if least(with) == quadrant {
			lowest++
		}
		if least(loss) == quadrant {
			taken++
		}
	}
	t.Logf("of %d pictures: least of the score in the flaw %d, most of what the flaw takes %d", pictures, lowest, taken)
	if 10*lowest < 9*pictures {
		t.Errorf("the score's parts are least in the flawed quadrant in %d of %d pictures, want nine in ten", lowest, pictures)
	}
	if 10*taken < 9*pictures {
		t.Errorf("what the flaw takes from the score is taken in its quadrant in %d of %d pictures, want nine in ten", taken, pictures)
	}
}

// least is the place of the least number.
func least(x [4]float64) int { return slices.Index(x[:], slices.Min(x[:])) }

// quadrants is the mean of a panel's values over each quadrant, from the upper left; a cell that a border cuts counts for each by
// how much of it lies there.
func quadrants(p attribution.Panel) [4]float64 {
	var sum, weight [4]float64
	within := func(i, n, half int) float64 { // the part of cell i of n that lies in a half
		lo, hi := float64(half*n)/2, float64((half+1)*n)/2
		return max(0, min(float64(i+1), hi)-max(float64(i), lo))
	}
	for i, v := range p.Values {
		for q := range sum {
			w := within(i/p.Cols, p.Rows, q/2) * within(i%p.Cols, p.Cols, q%2)
			sum[q] += v * w
			weight[q] += w
		}
	}
	for q := range sum {
		sum[q] /= weight[q]
	}
	return sum
}

// demoMargin is by how much maps must be better than random orders in deletion, as a part of what the whole picture makes of the
// score, averaged over pictures.
const demoMargin = 0.10

// TestMapsAreFaithful: covering the cells of the largest contributions, or of the most relevance, first takes the score down faster
// than covering them in any order.
func TestMapsAreFaithful(t *testing.T) {
	m := embedded(t)
	const pictures = 4
	for _, method := range []attribution.Method{attribution.Contribution, attribution.Relevance} {
		margin := 0.0
		for i := range pictures {
			p := painted(t, m, paint.PaintWithFlaw(demoSeed, i, paint.None))
			found, err := attribution.Compute(context.Background(), m, p, method, attribution.Options{})
			if err != nil {
				t.Fatal(err)
			}
			f, err := attribution.Measure(context.Background(), m, p, found, attribution.MeasureOptions{Steps: 6, Orders: 3, Seed: uint64(i)})
			if err != nil {
				t.Fatal(err)
			}
			margin += f.DeletionMargin / pictures
		}
		t.Logf("%s: %.0f %% better than random orders", method, 100*margin)
		if margin < demoMargin {
			t.Errorf("%s is %.1f %% better than random orders in deletion, want %.0f %%", method, 100*margin, 100*demoMargin)
		}
	}
}
