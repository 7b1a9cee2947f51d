//go:build cuda && linux && cgo

package loupe_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// mmaBound is how far bf16-mma may be from bf16 at a tap, as a part of the largest number there. Both round the same operands; sums in
// another order differ by some 1e-7, and where that turns the rounding of an activation, by 2^-9 of it.
const mmaBound = 1.0 / 256

// mmaGPU: bf16-mma is close to bf16 at every tap, gradients included, and has the same bits each time, whatever the chunks of a prompt and
// whoever is answered beside it.
func mmaGPU(t *testing.T) {
	load := func(o loupe.Options) *loupe.Model {
		o.MaxPixels = 56 * 56
		m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	m, close := load(loupe.Options{Precision: "bf16-mma", Device: "cuda"}), load(loupe.Options{Precision: "bf16"})
	if arch := m.Arch(); !strings.HasPrefix(arch, "sm_") {
		t.Errorf("the architecture is %q", arch)
	}
	if arch := close.Arch(); arch != "" {
		t.Errorf("bf16 has an architecture, %q", arch)
	}
	trace := func(m *loupe.Model) *loupe.Traced {
		o := loupe.TraceOptions{Taps: []string{"*"}}
		target, err := loupe.ParseGradTarget("logprob:9", m.Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		o.Grad = &target
		traced, err := m.Trace(t.Context(), mixedPrompt(t, m), o)
		if err != nil {
			t.Fatal(err)
		}
		return traced
	}
	got, again, want := trace(m), trace(m), trace(close)
	worst, where, differ := 0.0, "", 0
	for i, tap := range want.Taps {
		if g := got.Taps[i]; g.Name != tap.Name || !slices.Equal(g.Data, again.Taps[i].Data) {
			t.Errorf("%s: two runs differ", g.Name)
		}
		most, off := 0.0, 0.0
		for j, x := range tap.Data {
			most = max(most, math.Abs(float64(x)))
			off = max(off, math.Abs(float64(got.Taps[i].Data[j])-float64(x)))
		}
		if off > 0 {
			differ++
		}
		if off > worst*most {
			worst, where = off/most, tap.Name
		}
	}
	t.Logf("of %d taps %d differ from bf16's, %s the most, by %.2g of its largest number", len(want.Taps), differ, where, worst)
	if worst > mmaBound || differ == 0 || len(want.Taps) < 50 {
		t.Errorf("%d of %d taps differ from bf16's, at most by %v of the largest number, at %s; the bound is %v", differ, len(want.Taps), worst, where, mmaBound)
	}

	chunked := load(loupe.Options{Precision: "bf16-mma", Device: "cuda", PrefillChunk: 3})
	ask := func(m *loupe.Model, text string) *loupe.Answer {
		p, err := m.Prepare(t.Context(), loupe.Ask(text))
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Answer(t.Context(), p, loupe.Generation{MaxTokens: 3, IgnoreEOS: true})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	texts := []string{"What moves?", "Say a word. Say two. Say three, four and five.", "Why?"}
	var alone []string
	for _, text := range texts {
		var digests []string
		for _, m := range []*loupe.Model{m, chunked} {
			a := ask(m, text)
			for _, err := range a.Tokens() {
				if err != nil {
					t.Fatal(err)
				}
			}
			digests = append(digests, a.LogitsDigest())
		}
		if digests[0] != digests[1] {
			t.Errorf("%q: a prompt in chunks gives other logits", text)
		}
		alone = append(alone, digests[0])
	}
	var live []*loupe.Sequence
	for _, text := range texts {
		live = append(live, ask(m, text).Sequence)
	}
	all := slices.Clone(live)
	for {
		live = slices.DeleteFunc(live, func(s *loupe.Sequence) bool {
			tok, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			return tok.Finish != ""
		})
		if len(live) == 0 {
			break
		}
		if err := m.Step(context.Background(), live); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range all {
		if s.LogitsDigest() != alone[i] {
			t.Errorf("%q: in a batch it gives other logits", texts[i])
		}
	}

	one := 1
	for o, want := range map[*loupe.Options]string{
		{}:                                   "Options.Precision bf16-mma multiplies by the tensor cores of a GPU, and the model is computed on cpu; compute on a GPU by Options.Device cuda",
		{Device: "cuda", DeviceLayers: &one}: "layers would lie on the CPU, which does not compute Options.Precision bf16-mma; leave Options.DeviceLayers away",
	} {
		o.Precision = "bf16-mma"
		_, err := loupe.Load(filepath.Join("testdata", "golden", "model"), *o)
		var refused *option.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
