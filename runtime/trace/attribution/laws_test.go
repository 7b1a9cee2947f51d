package attribution

import (
	"reflect"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
)

// TestMapsKeepBits: threads, kernels, chunks of the prompt, and options that are given what they are without, change no bit of any
// map.
func TestMapsKeepBits(t *testing.T) {
	first := fixture.Open(t, committed, "image_and_video", headDir)
	target := &loupe.GradTarget{Token: -1}
	layers, blocks := upTo(first.Model.Config.Text.NumHiddenLayers), upTo(first.Model.Config.Vision.Depth)
	heads := upTo(first.Model.Config.Text.NumAttentionHeads)
	generic := func(c *fixture.Case) *loupe.Prompt {
		p, err := c.Model.Prepare(t.Context(), WithQuestion(c.Input, GenericQuestion))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	patches := 0
	for _, run := range passes(first.Prompt) {
		patches += run.Pixels.Rows
	}
	cases := []struct {
		method       Method
		plain, given Options
	}{
		{Raw, Options{}, Options{Query: new(-1), Layers: layers, Heads: heads}},
		{Raw, Options{Tower: true}, Options{Tower: true, Layers: blocks, Heads: upTo(first.Model.Config.Vision.NumHeads), Patches: upTo(patches)}},
		{Relative, Options{}, Options{Query: new(len(first.Prompt.IDs) - 1), Layers: layers, Heads: heads}},
		{Rollout, Options{}, Options{Query: new(-1)}},
		{Rollout, Options{Tower: true}, Options{Tower: true}},
		{Relevance, Options{}, Options{Target: &loupe.GradTarget{Score: true, Name: "score"}}},
		{Relevance, Options{Target: target}, Options{Target: &loupe.GradTarget{Token: -1, At: new(-1)}}},
		{GradCAM, Options{}, Options{Layers: []int{len(blocks) - 1}}},
		{Integrated, Options{Steps: 2, Target: target}, Options{Steps: 2, Target: target, Baseline: Mean}},
		{Occlusion, Options{}, Options{Window: 1, Stride: 1, Baseline: Mean}},
		{Contribution, Options{}, Options{Target: &loupe.GradTarget{Score: true, Name: "score"}}},
	}
	want := make([]*Map, len(cases))
	for i, c := range cases {
		c.plain.Generic, c.given.Generic = generic(first), generic(first)
		want[i] = compute(t, first, c.method, c.plain)
		got := compute(t, first, c.method, c.given)
		if got.Target = want[i].Target; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s with what is its default given differs from it", c.method)
		}
	}
	for _, o := range []loupe.Options{{Threads: 1}, {Threads: 3, PrefillChunk: 5}, {Kernels: "generic", PrefillChunk: 1}} {
		o.Head = headDir
		m, err := loupe.Load(committed+"/model", o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		c := &fixture.Case{Model: m, Input: first.Input}
		if c.Prompt, err = m.Prepare(t.Context(), c.Input); err != nil {
			t.Fatal(err)
		}
		for i, k := range cases {
			if k.method == Occlusion || o.Kernels != "" && k.method != Raw && k.method != Contribution {
				continue // it takes long, and is made of the same products
			}
			k.plain.Generic = generic(c)
			if got := compute(t, c, k.method, k.plain); !reflect.DeepEqual(got, want[i]) {
				t.Errorf("%s differs with %+v", k.method, o)
			}
		}
	}
}
