package loupe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/runtime/internal/device"
)

// TestNonFiniteForeign: on a device that looks for what is not finite without waiting, the error is the processor's, and nothing of the run
// leaves before it.
func TestNonFiniteForeign(t *testing.T) {
	load := func() *Model {
		m, err := Load(filepath.Join("testdata", "golden", "model"), Options{MaxPixels: 56 * 56, Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	own := load()
	before := device.Of
	defer func() { device.Of = before }()
	device.Of = func(e *kernels.Engine) kernels.Device { return devicetest.New(e) }
	sameNonFinite(t, own, load(), 1)
	defer func(layers *int) { device.Layers = layers }(device.Layers)
	one := 1 // the others lie on the host, which looks at once
	device.Layers = &one
	sameNonFinite(t, own, load(), 1)
}

// sameNonFinite plants a number that is not finite in every norm of both models, and compares how all ways to run them end. Every so many
// norms are enough.
func sameNonFinite(t *testing.T, own, m *Model, every int) {
	t.Helper()
	found := 0
	for i := 0; i < len(own.norms()); i += every {
		for name, run := range nonFiniteRuns {
			want, got := run(t, own, i), run(t, m, i)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s with norm %d (%s) spoiled: (-processor +device)\n%s", name, i, own.norms()[i].Name, d)
			}
			if strings.Contains(want[len(want)-1], "at row") {
				found++
			}
		}
	}
	if least := len(own.norms()) / every * len(nonFiniteRuns) / 2; found < least {
		t.Errorf("%d runs end by a number that is not finite; at least %d should", found, least)
	}
}

// spoiled runs f while a norm of m has a weight that is not finite.
func spoiled(t *testing.T, m *Model, norm int, f func()) {
	t.Helper()
	w := m.norms()[norm].Weight
	x, err := kernels.Floats(w)
	if err != nil {
		t.Fatal(err)
	}
	put := func(v float32) {
		if x[2] = v; !w.OnHost() {
			if err := w.Owner().Upload(w.Row(), x); err != nil {
				t.Fatal(err)
			}
		}
	}
	defer put(x[2])
	put(float32(math.Inf(1 - 2*(norm%2))))
	f()
}

// nonFiniteRuns are ways to run a model with a norm that was spoiled: what comes of it, and last how it ends.
var nonFiniteRuns = map[string]func(t *testing.T, m *Model, norm int) []string{
	"prompt": func(t *testing.T, m *Model, norm int) (out []string) {
		spoiled(t, m, norm, func() { out = generated(t, m, nil) })
		return out
	},
	"decode": func(t *testing.T, m *Model, norm int) (out []string) {
		return generated(t, m, func(next func()) { spoiled(t, m, norm, next) })
	},
	"batch": func(t *testing.T, m *Model, norm int) (out []string) {
		var all []*Sequence
		for _, ids := range [][]int{{3, 1, 4}, {1, 5, 9, 2}} {
			a, err := m.Answer(context.Background(), textPrompt(t, ids...), Generation{IgnoreEOS: true})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			all = append(all, a.Sequence)
		}
		for step := range 3 {
			for _, q := range all {
				tok, err := q.Next()
				out = append(out, fmt.Sprint(tok.ID, err))
			}
			read := func() {
				if err := m.Step(context.Background(), all); err != nil {
					t.Fatal(err)
				}
			}
			if step == 1 {
				spoiled(t, m, norm, read)
			} else {
				read()
			}
		}
		return append(out, fmt.Sprint(all[0].Err()), fmt.Sprint(all[1].Err()))
	},
	"training": func(t *testing.T, m *Model, norm int) (out []string) {
		ids := []int{3, 1, 4, 1, 5, 9}
		labels := slices.Clone(ids)
		spoiled(t, m, norm, func() {
			losses, err := m.learn(context.Background(), Example{Prompt: textPrompt(t, ids...), Labels: labels}, LearnOptions{Weight: 1, Recompute: norm%2 == 0})
			out = []string{fmt.Sprint(losses.LM), fmt.Sprint(err)}
		})
		return out
	},
	"traced, with interventions": func(t *testing.T, m *Model, norm int) (out []string) {
		spoiled(t, m, norm, func() {
			o := TraceOptions{Taps: []string{"*"}, Generation: Generation{IgnoreEOS: true}, Parts: func(p Part) error {
				if p.At == 0 {
					out = append(out, fmt.Sprint(p.Name, p.Shape))
				}
				return nil
			}}
			o = o.With(
				Intervention{Tap: "model.layers.0.self_attn.probs", Op: tensor.Scale, Head: 1, Scale: 0.5},
				Intervention{Tap: "model.layers.*.mlp.act", Op: tensor.Mean, Head: AllHeads},
			)
			_, err := m.Trace(context.Background(), textPrompt(t, 3, 1, 4, 1, 5), o)
			out = append(out, fmt.Sprint(err))
		})
		return out
	},
}

// generated is an answer of three tokens, the second of which is read as told.
func generated(t *testing.T, m *Model, second func(next func())) (out []string) {
	a, err := m.Answer(context.Background(), textPrompt(t, 3, 1, 4, 1, 5), Generation{IgnoreEOS: true})
	if err != nil {
		return []string{err.Error()}
	}
	defer a.Close()
	for i := range 3 {
		tok, err := a.Next()
		out = append(out, fmt.Sprint(tok.ID, err))
		var bad *tensor.NonFiniteError
		if err != nil && !errors.As(err, &bad) {
			break
		}
		if i == 1 && second != nil {
			second(a.read)
		} else {
			a.read()
		}
	}
	return append(out, a.LogitsDigest(), fmt.Sprint(a.Err()))
}
