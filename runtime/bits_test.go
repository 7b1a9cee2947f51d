package loupe_test

import (
	"context"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
)

// embedded loads the embedded checkpoint for a test.
func embedded(t testing.TB, o loupe.Options) *loupe.Model {
	t.Helper()
	m, err := loupe.Embedded(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// embeddedPrompt is a question about the embedded picture.
func embeddedPrompt(t testing.TB, m *loupe.Model) *loupe.Prompt {
	t.Helper()
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSameBits holds law 1: threads, kernels and chunks change no bit of any step's logits.
func TestSameBits(t *testing.T) {
	var want string
	for _, o := range []loupe.Options{
		{Threads: 1}, {Threads: 2}, {Threads: 7}, {Kernels: "generic"},
		{PrefillChunk: 1}, {PrefillChunk: 7}, {PrefillChunk: 64}, {PrefillChunk: 1 << 20},
	} {
		m := embedded(t, o)
		_, got := tokens(t, m, embeddedPrompt(t, m), loupe.Generation{MaxTokens: 8, IgnoreEOS: true})
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%+v gives logits %.8s, and one thread %.8s", o, got, want)
		}
	}
}

// TestCachedEqualsUncached reads the prompt and the generated tokens again from the start: the logits of every step must
// be those of the step with the cache.
func TestCachedEqualsUncached(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	g := loupe.Generation{MaxTokens: 6, IgnoreEOS: true}
	ids, _ := tokens(t, m, p, g)
	for n := range ids {
		longer := *p
		longer.IDs = append(slices.Clone(p.IDs), ids[:n]...)
		for axis := range longer.Positions {
			longer.Positions[axis] = slices.Clone(p.Positions[axis])
			for i := range n {
				longer.Positions[axis] = append(longer.Positions[axis], len(p.IDs)+i+p.RopeDelta)
			}
		}
		one := loupe.Generation{MaxTokens: 1, IgnoreEOS: true}
		again, digest := tokens(t, m, &longer, one)
		if again[0] != ids[n] {
			t.Errorf("token %d is %d uncached and %d cached", n, again[0], ids[n])
		}
		if want := stepDigest(t, m, p, n); digest != want {
			t.Errorf("logits of token %d are %.8s uncached and %.8s cached", n, digest, want)
		}
	}
}

// stepDigest is the digest of the logits from which token n was chosen.
func stepDigest(t *testing.T, m *loupe.Model, p *loupe.Prompt, n int) string {
	t.Helper()
	var last []float32
	tap := "lm_head"
	if n > 0 {
		tap = "steps.*/lm_head"
	}
	_, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{tap}, Steps: n, Generation: loupe.Generation{IgnoreEOS: true}}, func(x loupe.Tap) error {
		last = x.Data[(x.Shape[0]-1)*x.Shape[1]:]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return digestOf(last)
}

// TestLookingChangesNothing holds law 2 in every precision: every tap on, whole or in parts, every tap scaled by 1, and every
// tap set to what it is, give the bits of the plain run.
func TestLookingChangesNothing(t *testing.T) {
	for _, precision := range loupe.Precisions {
		m := embedded(t, loupe.Options{Precision: precision, MaxPixels: 28 * 28 * 12})
		p := embeddedPrompt(t, m)
		g := loupe.Generation{MaxTokens: 4, IgnoreEOS: true}
		_, want := tokens(t, m, p, g)
		all := loupe.Taps("*")
		all.Steps, all.Generation = g.MaxTokens-1, g
		looked, err := m.Trace(context.Background(), p, all)
		if err != nil {
			t.Fatal(err)
		}
		var itself []loupe.Intervention
		for _, tap := range looked.Taps {
			itself = append(itself, loupe.Intervention{Tap: tap.Name, Op: tensor.Set, Head: loupe.AllHeads, Value: tap.Data})
		}
		parts, scaled := all, all.With(loupe.Intervention{Tap: "*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1})
		parts.Parts = func(loupe.Part) error { return nil }
		for name, o := range map[string]loupe.TraceOptions{"in parts": parts, "scaled by 1": scaled, "set to itself": all.With(itself...)} {
			got, err := m.Trace(context.Background(), p, o, func(loupe.Tap) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != want {
				t.Errorf("%s, every tap %s: logits are %.8s, and %.8s without", precision, name, got.Digest, want)
			}
		}
		if looked.Digest != want {
			t.Errorf("%s, every tap: logits are %.8s, and %.8s without", precision, looked.Digest, want)
		}
	}
}

// TestPatchByItself sets a tensor to the value it has: no bit changes.
func TestPatchByItself(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	for _, tap := range []string{"pixel_values", "visual.merger", "model.layers.1.out", "model.layers.0.self_attn.probs", "model.layers.2.self_attn.heads"} {
		var value []float32
		plain, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{tap}}, func(x loupe.Tap) error {
			value = x.Data
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		iv := loupe.Intervention{Tap: tap, Op: tensor.Set, Head: loupe.AllHeads, Value: value}
		patched, err := m.Trace(context.Background(), p, loupe.TraceOptions{Interventions: []loupe.Intervention{iv}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if plain.Digest != patched.Digest {
			t.Errorf("%s set to itself changes the logits", tap)
		}
		zero := loupe.Intervention{Tap: tap, Op: tensor.Zero, Head: loupe.AllHeads}
		zeroed, err := m.Trace(context.Background(), p, loupe.TraceOptions{Interventions: []loupe.Intervention{zero}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if plain.Digest == zeroed.Digest {
			t.Errorf("%s set to zero changes nothing", tap)
		}
	}
}

// TestConcurrentRequests runs requests at once on one model: each gets what it gets alone.
func TestConcurrentRequests(t *testing.T) {
	m := embedded(t, loupe.Options{Threads: 2})
	p := embeddedPrompt(t, m)
	g := loupe.Generation{MaxTokens: 5, IgnoreEOS: true}
	_, want := tokens(t, m, p, g)
	done := make(chan string)
	const requests = 4
	for range requests {
		go func() {
			a, err := m.Answer(context.Background(), p, g)
			if err != nil {
				done <- err.Error()
				return
			}
			for _, err := range a.Tokens() {
				if err != nil {
					done <- err.Error()
					return
				}
			}
			done <- a.LogitsDigest()
		}()
	}
	for range requests {
		if got := <-done; got != want {
			t.Errorf("a concurrent request gives %s, alone %s", got, want)
		}
	}
}
