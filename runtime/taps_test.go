package loupe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// The names of taps are a contract: scripts rely on them. These lists say all of them, in the order of the computation.
var (
	blockTaps = []string{
		"norm1", "attn.qkv", "attn.q", "attn.k", "attn.v", "attn.scores.0", "attn.probs.0", "attn.heads", "attn.out",
		"norm2", "mlp.fc1", "mlp.act", "mlp.out", "out",
	}
	layerTaps = []string{
		"input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.q", "self_attn.k",
		"self_attn.scores", "self_attn.probs", "self_attn.heads", "self_attn.out",
		"post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.act", "mlp.out", "out",
	}
)

func tapNames(depth, layers int) []string {
	names := []string{"pixel_values", "visual.patch_embed"}
	for n := range depth {
		for _, t := range blockTaps {
			names = append(names, fmt.Sprintf("visual.blocks.%d.%s", n, t))
		}
	}
	names = append(names, "visual.merger.ln_q", "visual.merger", "model.embed_tokens")
	for n := range layers {
		for _, t := range layerTaps {
			names = append(names, fmt.Sprintf("model.layers.%d.%s", n, t))
		}
	}
	return append(names, "model.norm", "lm_head", "score_head.pooled", "score_head")
}

// TestTapNames holds the listed and the seen taps to the contract, with the shapes that the list promised.
func TestTapNames(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	want := tapNames(m.Config.Vision.Depth, m.Config.Text.NumHiddenLayers)
	listed, err := m.Taps(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tap := range listed {
		names = append(names, tap.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("listed taps (-want +got):\n%s", diff)
	}
	i := 0
	if _, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"*"}}, func(tap loupe.Tap) error {
		if i < len(listed) && (tap.Name != listed[i].Name || !slices.Equal(tap.Shape, listed[i].Shape)) {
			t.Errorf("tap %d is %s %v, listed as %s %v", i, tap.Name, tap.Shape, listed[i].Name, listed[i].Shape)
		}
		i++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if i != len(listed) {
		t.Errorf("%d taps were seen, and %d listed", i, len(listed))
	}
}

// TestListedTapsAreSeen: with steps and gradients too, what is listed is what is seen, in its shape, whole or in parts. The
// likeliest token's gradient reaches every tap but those of the score head.
func TestListedTapsAreSeen(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	p := embeddedPrompt(t, m)
	grad := loupe.GradTarget{Token: -1}
	o := loupe.TraceOptions{Taps: []string{"*"}, Steps: 2, Grad: &grad, Generation: loupe.Generation{IgnoreEOS: true}}
	listed, err := o.Shapes(context.Background(), m, p)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, tap := range listed {
		if !strings.HasPrefix(tap.Name, "d/score_head") {
			want[tap.Name] = fmt.Sprint(tap.Shape)
		}
	}
	whole := map[string]string{}
	all, err := m.Trace(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tap := range all.Taps {
		whole[tap.Name] = fmt.Sprint(tap.Shape)
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Errorf("seen (-listed +seen):\n%s", diff)
	}
	parts := map[string]string{}
	data := map[string][]float32{}
	o.Parts = func(p loupe.Part) error {
		if p.At != len(data[p.Name]) {
			t.Errorf("a part of %s begins at %d, after %d", p.Name, p.At, len(data[p.Name]))
		}
		parts[p.Name] = fmt.Sprint(p.Shape)
		data[p.Name] = append(data[p.Name], p.Data...)
		return nil
	}
	if _, err := m.Trace(context.Background(), p, o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("parts (-listed +seen):\n%s", diff)
	}
	for _, tap := range all.Taps {
		if !slices.Equal(data[tap.Name], tap.Data) && !strings.Contains(tap.Name, "scores") {
			t.Errorf("%s is another in parts", tap.Name)
		}
	}
	for _, name := range []string{"steps.1/lm_head", "steps.2/model.layers.0.self_attn.probs", "d/pixel_values"} {
		if want[name] == "" {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestLogitsInParts: the logits of a long prompt come some rows at a time, and are those that come whole.
func TestLogitsInParts(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p, err := m.Prepare(context.Background(), loupe.Ask(strings.Repeat("The light is warm. ", 60)))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := m.Trace(context.Background(), p, loupe.Taps("lm_head"))
	if err != nil {
		t.Fatal(err)
	}
	o, parts := loupe.Taps("lm_head"), 0
	var got []float32
	o.Parts = func(p loupe.Part) error {
		if p.At != len(got) || !slices.Equal(p.Shape, whole.Taps[0].Shape) {
			t.Errorf("a part at %d of %v, after %d of %v", p.At, p.Shape, len(got), whole.Taps[0].Shape)
		}
		got = append(got, p.Data...)
		parts++
		return nil
	}
	again, err := m.Trace(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if parts < 2 || !slices.Equal(got, whole.Taps[0].Data) || again.Digest != whole.Digest {
		t.Errorf("%d parts of %d numbers differ from %d", parts, len(got), len(whole.Taps[0].Data))
	}
}

// TestResidualStream checks that taps show what their names say: each block's out is the stream before it plus what its
// attention and its perceptron gave, in that order and to the bit.
func TestResidualStream(t *testing.T) {
	m := embedded(t, loupe.Options{})
	taps := map[string]loupe.Tap{}
	if _, err := m.Trace(context.Background(), embeddedPrompt(t, m), loupe.TraceOptions{Taps: []string{"*"}}, func(tap loupe.Tap) error {
		taps[tap.Name] = tap
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	check := func(before, path, attention string) (out string) {
		out = path + ".out"
		x, a, f := taps[before].Data, taps[path+attention].Data, taps[path+".mlp.out"].Data
		for i, got := range taps[out].Data {
			if want := float32(x[i]+a[i]) + f[i]; got != want {
				t.Fatalf("%s is %v at %d, and what goes into it adds up to %v", out, got, i, want)
			}
		}
		return out
	}
	at := "visual.patch_embed"
	for n := range m.Config.Vision.Depth {
		at = check(at, fmt.Sprintf("visual.blocks.%d", n), ".attn.out")
	}
	// The stream that enters the decoder holds the merged rows where embed_tokens has placeholders.
	at = "model.layers.0.out"
	for n := 1; n < m.Config.Text.NumHiddenLayers; n++ {
		at = check(at, fmt.Sprintf("model.layers.%d", n), ".self_attn.out")
	}
}

// TestNameWithoutImage taps and changes a point of every image by its name without the image's number.
func TestNameWithoutImage(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	var seen []string
	o := loupe.TraceOptions{
		Taps:          []string{"visual.blocks.0.attn.scores"},
		Interventions: []loupe.Intervention{{Tap: "visual.blocks.1.attn.probs", Op: tensor.Zero, Head: 0}},
	}
	if _, err := m.Trace(context.Background(), p, o, func(tap loupe.Tap) error {
		seen = append(seen, tap.Name)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"visual.blocks.0.attn.scores.0"}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
}

// TestStepNames: the first token that is generated is step 1, as it is listed, and each is shown to Token as it comes.
func TestStepNames(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	var tokens []int
	o := loupe.TraceOptions{Taps: []string{"model.norm"}, Steps: 2, Generation: loupe.Generation{IgnoreEOS: true}}
	o.Token = func(t loupe.Token) error {
		tokens = append(tokens, t.ID)
		return nil
	}
	var seen []string
	traced, err := m.Trace(context.Background(), p, o, func(tap loupe.Tap) error {
		seen = append(seen, tap.Name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"model.norm", "steps.1/model.norm", "steps.2/model.norm"}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
	var want []int
	for _, token := range traced.Tokens {
		want = append(want, token.ID)
	}
	if !slices.Equal(tokens, want) {
		t.Errorf("Token was shown %v of %v", tokens, want)
	}
	full := errors.New("enough")
	o.Token = func(loupe.Token) error { return full }
	if _, err := m.Trace(context.Background(), p, o); !errors.Is(err, full) {
		t.Errorf("the error of Token is lost: %v", err)
	}
}

// TestCancel stops a run between two operations of the prompt, and between two tokens.
func TestCancel(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	t.Run("prompt", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		n := 0
		_, err := m.Trace(ctx, p, loupe.TraceOptions{Taps: []string{"*"}}, func(loupe.Tap) error {
			if n++; n == 10 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || n != 10 {
			t.Errorf("after cancelling at tap 10 there were %d taps and the error %v", n, err)
		}
	})
	t.Run("tokens", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		n := 0
		var last error
		for _, err := range m.Generate(ctx, p, loupe.Generation{MaxTokens: 100, IgnoreEOS: true}) {
			if last = err; err == nil {
				if n++; n == 3 {
					cancel()
				}
			}
		}
		if !errors.Is(last, context.Canceled) || n != 3 {
			t.Errorf("after cancelling at token 3 there were %d tokens and the error %v", n, last)
		}
	})
	t.Run("see", func(t *testing.T) {
		full := errors.New("disk full")
		if _, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"*"}}, func(loupe.Tap) error { return full }); !errors.Is(err, full) {
			t.Errorf("the error of see is lost: %v", err)
		}
	})
	if _, err := m.Score(context.Background(), p); err != nil {
		t.Errorf("after a canceled run the model does not score: %v", err)
	}
}
