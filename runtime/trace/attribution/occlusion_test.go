package attribution

import (
	"context"
	"math"
	"slices"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
)

// TestStarts: windows begin where Captum's do, and one as wide as the side is the only one.
func TestStarts(t *testing.T) {
	for _, c := range []struct {
		n, size, stride int
		want            []int
	}{
		{4, 1, 1, []int{0, 1, 2, 3}}, {4, 2, 1, []int{0, 1, 2}}, {4, 2, 2, []int{0, 2}}, {5, 2, 2, []int{0, 2, 4}}, {5, 3, 2, []int{0, 2}},
		{2, 2, 1, []int{0}}, {2, 50, 1, []int{0}}, {1, 1, 1, []int{0}},
	} {
		if got := starts(c.n, c.size, c.stride); !slices.Equal(got, c.want) {
			t.Errorf("%d cells, windows of %d moved by %d: %v, want %v", c.n, c.size, c.stride, got, c.want)
		}
	}
}

// TestWindowOverAll: under a window that covers a whole picture every cell has what the target loses with that picture, and a row
// of windows of two cells gives those in the middle the mean of two.
func TestWindowOverAll(t *testing.T) {
	c := fixture.Open(t, committed, "two_images", headDir)
	target := loupe.GradTarget{Score: true, Name: "score"}
	lost := func(cells func(Panel) []int) float64 {
		base, err := baselinePixels(c.Prompt, Mean, c.Model.Processor)
		if err != nil {
			t.Fatal(err)
		}
		panels, at := layout(c.Prompt, 2, 2)
		shown := pixelsOf(c.Prompt)
		for _, i := range cells(panels[0]) {
			cover(shown, base, c.Prompt, at[i], 2)
		}
		whole, err := Value(context.Background(), c.Model, c.Prompt, target)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Value(context.Background(), c.Model, withPixels(c.Prompt, shown), target)
		if err != nil {
			t.Fatal(err)
		}
		return whole - v
	}
	all := lost(func(p Panel) []int { return upTo(len(p.Values)) })
	for i, v := range compute(t, c, Occlusion, Options{Target: &target, Window: 99, Stride: 1}).Panels[0].Values {
		if v != all {
			t.Errorf("cell %d has %v; with the picture covered the target loses %v", i, v, all)
		}
	}
	p := compute(t, c, Occlusion, Options{Target: &target, Window: 2, Stride: 1}).Panels[0]
	last := len(p.Values) - 1
	corner := lost(func(p Panel) []int { return window(p, p.Rows-2, p.Cols-2, 2) })
	if first := lost(func(p Panel) []int { return window(p, 0, 0, 2) }); p.Values[0] != first || p.Values[last] != corner {
		t.Errorf("the corners have %v and %v; their one window each loses %v and %v", p.Values[0], p.Values[last], first, corner)
	}
	if p.Cols > 2 {
		if two := (lost(func(p Panel) []int { return window(p, 0, 0, 2) }) + lost(func(p Panel) []int { return window(p, 0, 1, 2) })) / 2; math.Abs(p.Values[1]-two) > 1e-9 {
			t.Errorf("a cell under two windows has %v, their mean is %v", p.Values[1], two)
		}
	}
}
