package paint_test

import (
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// sample is 500 pictures, painted once for all tests. They are read-only.
var sample = sync.OnceValue(func() []paint.Painting {
	out := make([]paint.Painting, 500)
	for i := range out {
		out[i] = paint.Paint(1, i)
	}
	return out
})

func column(pictures []paint.Painting, value func(p paint.Painting) float64) []float64 {
	out := make([]float64, len(pictures))
	for i, p := range pictures {
		out[i] = value(p)
	}
	return out
}

func TestScoresSpread(t *testing.T) {
	pictures := sample()
	scores := column(pictures, func(p paint.Painting) float64 { return p.Score })
	mean, sd := stat.MeanStdDev(scores, nil)
	t.Logf("scores: mean %.1f, deviation %.1f, %v to %v", mean, sd, slices.Min(scores), slices.Max(scores))
	if sd < 15 || sd > 21 || slices.Min(scores) > 15 || slices.Max(scores) < 88 {
		t.Errorf("the scores run from %v to %v with a deviation of %.1f, want about 10 to 95 and 18", slices.Min(scores), slices.Max(scores), sd)
	}
	errors := column(pictures, func(p paint.Painting) float64 { return p.Score - paint.Rubric(p.Dimensions) })
	bias, sd := stat.MeanStdDev(errors, nil)
	if sd < 1.3 || sd > 1.8 || bias > 0.25 || bias < -0.25 {
		t.Errorf("the rater is off by %.2f and errs by %.2f, want 0 and about %v", bias, sd, paint.RaterError)
	}
	rubric := column(pictures, func(p paint.Painting) float64 { return paint.Rubric(p.Dimensions) })
	if r := stat.Correlation(scores, rubric, nil); r < 0.99 {
		t.Errorf("the score follows the rubric with r = %.4f, want at least 0.99", r)
	}
	for _, s := range scores {
		if s != float64(int(s)) || s < 1 || s > 100 {
			t.Errorf("score %v is no whole number of 1 to 100", s)
		}
	}
}

func TestDimensionsSpread(t *testing.T) {
	pictures := sample()
	for k, name := range paint.DimensionNames {
		values := column(pictures, func(p paint.Painting) float64 { return p.Dimensions.Values()[k] })
		counts := map[string]int{}
		for _, v := range values {
			counts[paint.Level(v)]++
		}
		t.Logf("%s: %v to %v, %v", name, slices.Min(values), slices.Max(values), counts)
		if slices.Min(values) > 5 || slices.Min(values) < 1 || slices.Max(values) > 100 || slices.Max(values) < 94 {
			t.Errorf("%s runs from %v to %v, want 1 to 100", name, slices.Min(values), slices.Max(values))
		}
		for _, level := range []string{"weak", "plain", "sound", "strong", "brilliant"} {
			if counts[level] < len(pictures)/10 {
				t.Errorf("%s is %s in %d of %d pictures, want a tenth at least", name, level, counts[level], len(pictures))
			}
		}
		for j, other := range paint.DimensionNames[:k] {
			r := stat.Correlation(values, column(pictures, func(p paint.Painting) float64 { return p.Dimensions.Values()[j] }), nil)
			if r > 0.55 {
				t.Errorf("%s and %s go together with r = %.2f, so that one could be read off the other", name, other, r)
			}
		}
	}
}

func TestEveryKindIsPainted(t *testing.T) {
	families, flaws, sizes := map[string]int{}, map[paint.Flaw]int{}, map[[2]int]int{}
	for _, p := range sample() {
		families[p.Family]++
		flaws[p.Flaw]++
		sizes[[2]int{p.Width, p.Height}]++
		if len(p.Pix) != 3*p.Width*p.Height {
			t.Fatalf("%d bytes for %d x %d pixels", len(p.Pix), p.Width, p.Height)
		}
	}
	t.Log(families, flaws, sizes)
	for _, f := range paint.Families() {
		if families[f] < 40 {
			t.Errorf("%d of 500 pictures are a %s", families[f], f)
		}
	}
	for f := paint.UpperLeft; f <= paint.LowerRight; f++ {
		if flaws[f] < 12 || flaws[f] > 40 {
			t.Errorf("%d of 500 pictures have a flaw %v, want about 25", flaws[f], f)
		}
	}
	for _, s := range [][2]int{{112, 112}, {140, 112}, {112, 140}} {
		if sizes[s] < 120 {
			t.Errorf("%d of 500 pictures are %v", sizes[s], s)
		}
	}
}

func TestLevel(t *testing.T) {
	for value, want := range map[float64]string{
		1: "weak", 20: "weak", 20.1: "plain", 40: "plain", 40.1: "sound", 60: "sound",
		60.1: "strong", 80: "strong", 80.1: "brilliant", 100: "brilliant", 0: "weak", 101: "brilliant",
	} {
		if got := paint.Level(value); got != want {
			t.Errorf("Level(%v) = %s, want %s", value, got, want)
		}
	}
}
