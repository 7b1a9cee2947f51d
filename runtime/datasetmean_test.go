package loupe_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// shaded is pictures of different sizes, each a gradient of its own.
func shaded(t *testing.T, m *loupe.Model, n int) loupe.Dataset {
	t.Helper()
	return loupe.Dataset{Len: n, Prompt: func(i int) (*loupe.Prompt, error) {
		w, h := 56+28*(i%3), 56
		img := picture.Image{Width: w, Height: h, Pix: make([]byte, 3*w*h)}
		for at := range img.Pix {
			img.Pix[at] = byte(at*(i+3)>>5 + 40*i)
		}
		return m.Prepare(context.Background(), loupe.Ask("How bright?", img))
	}}
}

// TestDatasetMeansByHand: a mean is that of all rows of all pictures, and what is set to it has it in every row, in the head and
// the rows that are named alone; the means are of runs without any change, even where another one names a tap before.
func TestDatasetMeansByHand(t *testing.T) {
	m := embedded(t, loupe.Options{})
	ctx := context.Background()
	set := shaded(t, m, 4)
	list := []loupe.Intervention{
		{Tap: "visual.blocks.?.mlp.out", Op: tensor.Set, Head: loupe.AllHeads, Scale: 1, Dataset: "shaded"},
		{Tap: "visual.blocks.3.attn.heads", Op: tensor.Set, Head: 2, Rows: []int{1, 3}, Scale: 1, Dataset: "shaded"},
		{Tap: "model.layers.1.mlp.out", Op: tensor.Set, Head: loupe.AllHeads, Scale: 1, Dataset: "shaded"},
	}
	opened := 0
	filled, err := loupe.FillMeans(ctx, m, list, func(name string) (loupe.Dataset, error) { opened++; return set, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if opened != 1 {
		t.Errorf("the pictures were opened %d times, want once", opened)
	}
	taps := []string{"visual.blocks.0.mlp.out", "visual.blocks.2.mlp.out", "visual.blocks.3.attn.heads", "model.layers.1.mlp.out"}
	want := map[string][]float64{}
	rows := map[string]int{}
	for i := range set.Len {
		p, err := set.Prompt(i)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := m.Trace(ctx, p, loupe.Taps(taps...))
		if err != nil {
			t.Fatal(err)
		}
		for _, tap := range plain.Taps {
			if want[tap.Name] == nil {
				want[tap.Name] = make([]float64, tap.Shape[1])
			}
			for r := range tap.Shape[0] {
				rows[tap.Name]++
				for c := range tap.Shape[1] {
					want[tap.Name][c] += float64(tap.Data[r*tap.Shape[1]+c])
				}
			}
		}
	}
	p := embeddedPrompt(t, m)
	plain, err := m.Trace(ctx, p, loupe.Taps(taps...))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: taps, Interventions: filled})
	if err != nil {
		t.Fatal(err)
	}
	for _, tap := range changed.Taps {
		before, _ := plain.Tap(tap.Name)
		same := 0
		for r := range tap.Shape[0] {
			for c := range tap.Shape[1] {
				at := r*tap.Shape[1] + c
				mean := want[tap.Name][c] / float64(rows[tap.Name])
				width := tap.Shape[1] / m.Config.Vision.NumHeads
				if strings.HasSuffix(tap.Name, "attn.heads") && (!slices.Contains([]int{1, 3}, r) || c/width != 2) {
					same++ // what is below is changed, so that these are others than before, but not the mean
					if math.Abs(float64(tap.Data[at])-mean) < 1e-7 && before.Data[at] != tap.Data[at] {
						t.Fatalf("%s row %d column %d is the mean, and is not of what was named", tap.Name, r, c)
					}
					continue
				}
				if math.Abs(float64(tap.Data[at])-mean) > 1e-6*(1+math.Abs(mean)) {
					t.Fatalf("%s row %d column %d is %v, want the mean %v", tap.Name, r, c, tap.Data[at], mean)
				}
			}
		}
		if strings.HasSuffix(tap.Name, "attn.heads") && same == 0 {
			t.Error("every number of attn.heads was held to the mean")
		}
	}
	if list[0].Means != nil {
		t.Error("the interventions that were given are changed")
	}
}

// TestScoreWith: a score with changes is that of a trace with them, bit for bit; what cannot change it is refused.
func TestScoreWith(t *testing.T) {
	m := embedded(t, loupe.Options{})
	ctx := context.Background()
	p := embeddedPrompt(t, m)
	zero := []loupe.Intervention{{Tap: "visual.blocks.*.mlp.out", Op: tensor.Zero, Head: loupe.AllHeads}}
	got, err := loupe.ScoreWith(ctx, m, p, zero)
	if err != nil {
		t.Fatal(err)
	}
	o := loupe.Taps("score_head")
	want, err := m.Trace(ctx, p, o.With(zero...))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := m.Score(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if got.Targets[0].Output != want.Score.Targets[0].Output || got.Targets[0].Output == plain.Targets[0].Output {
		t.Errorf("the score is %v, of the trace %v, without changes %v", got.Targets[0].Output, want.Score.Targets[0].Output, plain.Targets[0].Output)
	}
	for _, c := range []struct{ tap, want string }{
		{"model.layers.0.out", "changes no score: the score head reads visual.merger"},
		{"nothing.here", "matches no tap point"},
	} {
		if _, err := loupe.ScoreWith(ctx, m, p, []loupe.Intervention{{Tap: c.tap, Op: tensor.Zero, Head: loupe.AllHeads}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.tap, err, c.want)
		}
	}
}

func TestFillMeansErrors(t *testing.T) {
	m := embedded(t, loupe.Options{})
	ctx := context.Background()
	of := func(tap string) []loupe.Intervention {
		return []loupe.Intervention{{Tap: tap, Op: tensor.Set, Head: loupe.AllHeads, Scale: 1, Dataset: "shaded"}}
	}
	open := func(string) (loupe.Dataset, error) { return shaded(t, m, 2), nil }
	text := func(string) (loupe.Dataset, error) {
		return loupe.Dataset{Len: 1, Prompt: func(int) (*loupe.Prompt, error) { return m.Prepare(context.Background(), loupe.Ask("Hello.")) }}, nil
	}
	for _, c := range []struct {
		name string
		tap  string
		open func(string) (loupe.Dataset, error)
		want string
	}{
		{"probabilities", "visual.blocks.0.attn.probs.0", open, "there is no mean over pictures"},
		{"no such tap", "visual.blocks.9.out", open, "matches no tap point"},
		{"a step", "steps.1/model.layers.0.out", open, "not of generated tokens"},
		{"no picture", "visual.blocks.0.out", text, "picture 1"},
	} {
		if _, err := loupe.FillMeans(ctx, m, of(c.tap), c.open, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
	p := embeddedPrompt(t, m)
	if _, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: []string{"lm_head"}, Interventions: of("visual.merger")}); err == nil || !strings.Contains(err.Error(), "not computed yet") {
		t.Errorf("a mean that is not computed: error is %v", err)
	}
	lacking := of("visual.*.out")
	lacking[0].Means = map[string][]float32{"visual.blocks.0.out": make([]float32, m.Config.Vision.EmbedDim)}
	if _, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: []string{"lm_head"}, Interventions: lacking}); err == nil || !strings.Contains(err.Error(), "has no mean over shaded") {
		t.Errorf("a tap without a mean: error is %v", err)
	}
}
