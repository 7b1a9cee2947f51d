package attribution

import (
	"context"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
)

func TestErrors(t *testing.T) {
	c := fixture.Open(t, committed, "image", "")
	text, err := c.Model.Prepare(context.Background(), loupe.Ask("Hello"))
	if err != nil {
		t.Fatal(err)
	}
	two := fixture.Open(t, committed, "two_images", "")
	for _, e := range []struct {
		name   string
		prompt *loupe.Prompt
		method Method
		o      Options
		want   string
	}{
		{"method", c.Prompt, "magic", Options{}, "raw, relative, rollout"},
		{"no picture", text, Raw, Options{}, "no picture"},
		{"layer", c.Prompt, Raw, Options{Layers: []int{3}}, "layer 3"},
		{"head", c.Prompt, Raw, Options{Heads: []int{-1}}, "head -1"},
		{"no layers", c.Prompt, Raw, Options{Layers: []int{}}, "list of layers is empty"},
		{"query", c.Prompt, Rollout, Options{Query: new(1000)}, "query 1000"},
		{"patch", c.Prompt, Raw, Options{Tower: true, Patches: []int{96}}, "patch 96"},
		{"no generic", c.Prompt, Relative, Options{}, "generic question"},
		{"other pictures", c.Prompt, Relative, Options{Generic: two.Prompt}, "other pictures"},
		{"no head", c.Prompt, Contribution, Options{}, "divides scores"},
		{"score without a head", c.Prompt, Relevance, Options{Target: &loupe.GradTarget{Score: true}}, "Options.Head"},
		{"token", c.Prompt, Occlusion, Options{Target: &loupe.GradTarget{Token: 576}}, "token 576"},
		{"two layers", c.Prompt, GradCAM, Options{Layers: []int{0, 1}}, "one block"},
		{"baseline", c.Prompt, Integrated, Options{Baseline: "pink"}, "pink"},
		{"steps", c.Prompt, Integrated, Options{Steps: -1}, "attribution.Options.Steps"},
		{"stride", c.Prompt, Occlusion, Options{Window: 2, Stride: 3}, "attribution.Options.Stride 3"},
	} {
		t.Run(e.name, func(t *testing.T) {
			if _, err := Compute(context.Background(), c.Model, e.prompt, e.method, e.o); err == nil || !strings.Contains(err.Error(), e.want) {
				t.Errorf("error is %v, want one with %q", err, e.want)
			}
		})
	}
	headed := fixture.Open(t, committed, "image", headDir)
	if _, err := Compute(context.Background(), headed.Model, c.Prompt, Contribution, Options{Target: &loupe.GradTarget{Score: true, Name: "smell"}}); err == nil || !strings.Contains(err.Error(), "score, color") {
		t.Errorf("error is %v, want one that lists the targets", err)
	}
}

func TestCanceled(t *testing.T) {
	c := fixture.Open(t, committed, "image", headDir)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, method := range Methods() {
		if _, err := Compute(ctx, c.Model, c.Prompt, method, Options{Generic: c.Prompt}); err == nil {
			t.Errorf("%s went on after the context was canceled", method)
		}
	}
}
