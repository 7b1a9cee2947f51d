package loupe_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// mixedPrompt is a question about a picture and a video of two pairs of frames.
func mixedPrompt(t *testing.T, m *loupe.Model) *loupe.Prompt {
	t.Helper()
	img := func(seed int) picture.Image {
		out := picture.Image{Width: 56, Height: 56, Pix: make([]byte, 56*56*3)}
		for i := range out.Pix {
			out.Pix[i] = byte(i*i*seed>>7 + 31*seed)
		}
		return out
	}
	in := loupe.Ask("What moves?", img(1))
	in.Videos = [][]picture.Image{{img(2), img(3), img(4), img(5)}}
	in.Messages[0].Parts = slices.Insert(in.Messages[0].Parts, 1, in.Messages[0].Parts[0])
	in.Messages[0].Parts[1].Type = "video"
	p, err := m.Prepare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPatterns: what each form of a pattern matches, by the names that a trace then shows.
func TestPatterns(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	layers := m.Config.Text.NumHiddenLayers
	for _, c := range []struct {
		globs  []string
		points []int
	}{
		{[]string{"model.layers.*.out"}, []int{3 * layers}},
		{[]string{"model.layers.?.out"}, []int{layers}},
		{[]string{"model.layers.[0-9].out"}, []int{layers}},
		{[]string{"model.layers.[!0].out"}, []int{layers - 1}},
		{[]string{"model.layers.[0].*.out"}, []int{2}},
		{[]string{"model.layers.0.out", "model.layers.0.out"}, []int{1, 1}},
		{[]string{"model.norm", "*", "model.*"}, []int{1, -1, -1}},
	} {
		o := loupe.Taps(c.globs...)
		matched, err := o.Matches(context.Background(), m, p)
		if err != nil {
			t.Errorf("%q: %v", c.globs, err)
			continue
		}
		for i, want := range c.points {
			if got := matched[i].Points; got != want && (want >= 0 || got < 2) {
				t.Errorf("%q matches %d points, want %d: %s", matched[i].Pattern, got, want, matched[i])
			}
		}
		traced, err := m.Trace(context.Background(), p, o)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, tap := range traced.Taps {
			if seen[tap.Name] {
				t.Errorf("%q: %s is shown twice", c.globs, tap.Name)
			}
			seen[tap.Name] = true
		}
		if most := slices.MaxFunc(matched, func(a, b loupe.Matched) int { return a.Points - b.Points }); len(seen) != most.Points {
			t.Errorf("%q shows %d taps, and %s", c.globs, len(seen), most)
		}
	}
	for _, glob := range []string{"model.layers.[0-9", "model.layers.[].out", "model.layers.[!].out", "[z-a]"} {
		if _, err := loupe.Taps(glob).Matches(context.Background(), m, p); err == nil || !strings.Contains(err.Error(), "[0-9]") {
			t.Errorf("%q: error is %v, want one that shows how to write it", glob, err)
		}
	}
}

// TestPassNames: in a prompt with pictures and video a plain name of the tower is of both passes, and each pass has a name.
func TestPassNames(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := mixedPrompt(t, m)
	run := func(tap string) *loupe.Traced {
		t.Helper()
		o := loupe.Taps("visual.merger")
		if tap != "" {
			o = o.With(loupe.Intervention{Tap: tap, Op: tensor.Zero, Head: loupe.AllHeads, Rows: []int{0}})
			matched, err := o.Matches(context.Background(), m, p)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 1, false: 2}[strings.Contains(tap, "@")]; matched[1].Points != want {
				t.Errorf("%s", matched[1])
			}
			if of := matched[1]; of.Images == strings.HasSuffix(tap, "@videos") || of.Videos == strings.HasSuffix(tap, "@images") {
				t.Errorf("the passes are not told: %s", of)
			}
		}
		traced, err := m.Trace(context.Background(), p, o)
		if err != nil {
			t.Fatal(err)
		}
		return traced
	}
	plain := run("")
	for tap, changes := range map[string][2]bool{"visual.blocks.0.out": {true, true}, "visual.blocks.0.out@images": {true, false}, "visual.blocks.0.out@videos": {false, true}} {
		traced := run(tap)
		for i, name := range []string{"visual.merger@images", "visual.merger"} {
			was, ok := plain.Tap(name)
			is, _ := traced.Tap(name)
			if !ok || slices.Equal(was.Data, is.Data) == changes[i] {
				t.Errorf("%s changes %s: %v, want %v", tap, name, !changes[i], changes[i])
			}
		}
	}
	attention, err := loupe.Taps("visual.blocks.0.attn.probs", "visual.blocks.0.attn.probs@images", "visual.blocks.0.attn.probs@videos", "visual.blocks.0.attn.probs.1").Matches(context.Background(), m, p)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3, 1, 2, 1} {
		if attention[i].Points != want {
			t.Errorf("%s, want %d", attention[i], want)
		}
	}
}

// TestRowsThatNeverPass: an intervention that would change nothing is refused before anything is computed.
func TestRowsThatNeverPass(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	n := len(p.IDs)
	at := p.Images.At[0]
	for _, c := range []struct {
		tap  string
		rows []int
		want string // "" for none
	}{
		{"steps.1/model.layers.0.out", []int{-1}, "never passes"},
		{"steps.1/model.layers.0.out", []int{n}, ""},
		{"steps.1/model.layers.0.out", []int{n + 1}, "never passes"},
		{"steps.?/model.layers.0.out", []int{n + 1}, ""},
		{"model.layers.0.out", []int{n, n + 1, 0}, ""},
		{"model.layers.0.out", []int{n + 2}, "no row"},
		{"model.layers.0.out", []int{-n - 1}, "no row"},
		{"model.layers.0.out", []int{-1, n - 1}, "the same row"},
		{"model.layers.0.out", []int{3, 3}, "the same row"},
		{"model.layers.0.self_attn.probs", []int{-n, 0}, "the same row"},
		{"visual.merger", []int{1000}, "no row"},
		{"visual.merger", []int{-1}, ""},
		{"score_head", []int{1}, "no row"},
		{"model.embed_tokens", []int{at}, "place of a picture"},
		{"model.embed_tokens", []int{at - 1}, ""},
	} {
		o := loupe.TraceOptions{Steps: 2, Interventions: []loupe.Intervention{{Tap: c.tap, Op: tensor.Zero, Head: loupe.AllHeads, Rows: c.rows}}}
		_, err := o.Matches(context.Background(), m, p)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s rows %v: %v", c.tap, c.rows, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.tap)):
			t.Errorf("%s rows %v: error is %v, want one with %q", c.tap, c.rows, err, c.want)
		}
	}
}

// TestStepThatIsNotReached: what was asked of a step that the answer does not come to is an error, not an empty file.
func TestStepThatIsNotReached(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	o := loupe.TraceOptions{Taps: []string{"steps.300/lm_head"}, Steps: 300}
	if _, err := m.Trace(context.Background(), p, o); err == nil || !strings.Contains(err.Error(), "step 300") {
		t.Errorf("error is %v", err)
	}
}

// TestChangesThatRunOver: where a change makes numbers run over, the error names the change and not the weights.
func TestChangesThatRunOver(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	for _, steps := range []int{0, 1} {
		tap := map[int]string{0: "model.layers.0.out", 1: "steps.1/model.layers.0.out"}[steps]
		o := loupe.TraceOptions{Steps: steps}.With(loupe.Intervention{Tap: tap, Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1e38})
		if _, err := m.Trace(context.Background(), p, o); err == nil || !strings.Contains(err.Error(), "with the changes that are made") {
			t.Errorf("error is %v", err)
		}
	}
}
