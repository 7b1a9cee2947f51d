package loupe_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestSameBitsInEachPrecision holds law 1 within each mode: threads, kernels, chunks and whether tokens come one at a time
// change no bit of any step's logits.
func TestSameBitsInEachPrecision(t *testing.T) {
	seen := map[string]string{}
	for _, precision := range loupe.Precisions {
		var want string
		for _, o := range []loupe.Options{{Threads: 1}, {Threads: 3}, {Kernels: "generic"}, {PrefillChunk: 1}, {PrefillChunk: 7}, {PrefillChunk: 1 << 20}} {
			o.Precision, o.MaxPixels = precision, 28*28*12
			m := embedded(t, o)
			_, got := tokens(t, m, embeddedPrompt(t, m), loupe.Generation{MaxTokens: 3, IgnoreEOS: true})
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%+v gives logits %.8s, and one thread %.8s", o, got, want)
			}
			if p := m.Settings().Precision; p != precision {
				t.Errorf("the settings say %q, not %q", p, precision)
			}
		}
		if other, twice := seen[want]; twice {
			t.Errorf("%s gives the bits of %s: one of them is not in use", precision, other)
		}
		seen[want] = precision
	}
}

// TestSameBitsOfModel is the same for the model in the folder LOUPE_BITS, which is too long for every day: real widths take every
// kernel with its tails and blocks. Kernels that this machine lacks are left out.
func TestSameBitsOfModel(t *testing.T) {
	dir := os.Getenv("LOUPE_BITS")
	if dir == "" {
		t.Skip("LOUPE_BITS names no model")
	}
	for _, precision := range loupe.Precisions {
		t.Run(precision, func(t *testing.T) {
			var want string
			for _, o := range []loupe.Options{
				{Threads: 1}, {Threads: 2, PrefillChunk: 50},
				{Threads: 2, Kernels: "avx2"}, {Threads: 1, Kernels: "avx2", PrefillChunk: 50},
				{Threads: 2, Kernels: "avx512"}, {Threads: 2, Kernels: "neon"},
			} {
				o.Precision, o.MaxPixels = precision, 28*28*80
				m, err := loupe.Load(dir, o)
				if err != nil && strings.Contains(err.Error(), "Options.Kernels") {
					t.Logf("%+v: %v", o, err)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				_, got := tokens(t, m, embeddedPrompt(t, m), loupe.Generation{MaxTokens: 4, IgnoreEOS: true})
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v: %s", o, got)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%+v gives logits %.8s, and one thread %.8s", o, got, want)
				}
			}
		})
	}
}

// accuracy is what a precision costs on one prompt, beside exact.
type accuracy struct {
	most, mean float64 // difference of the logits, as a part of the largest logit
	greedy     int     // of 64 generated tokens, how many before the first that differs
	chosen     int     // after exact's 64 tokens, how often the likeliest next one is exact's
	loss       float64 // mean cross-entropy of the prompt's own tokens
}

const accuracyTokens = 64

// steps are the logits after each token of ids, fed one at a time to an answer to the prompt.
func steps(t *testing.T, m *loupe.Model, p *loupe.Prompt, ids []int) (logits [][]float32) {
	t.Helper()
	a, err := m.Answer(context.Background(), p, loupe.Generation{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		l, err := a.ForceToken(id)
		if err != nil {
			t.Fatal(err)
		}
		logits = append(logits, append([]float32(nil), l...))
	}
	return logits
}

func likeliest(logits []float32) int {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return best
}

// crossEntropy is -log softmax(logits)[id].
func crossEntropy(logits []float32, id int) float64 {
	top := float64(logits[likeliest(logits)])
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	return math.Log(sum) + top - float64(logits[id])
}

// measure compares m with exact on a prompt. Losses are of the prompt's text, read from its second token on by itself.
func measure(t *testing.T, exact, m *loupe.Model, p, text *loupe.Prompt) (a accuracy) {
	t.Helper()
	g := loupe.Generation{MaxTokens: accuracyTokens, IgnoreEOS: true}
	want, _ := tokens(t, exact, p, g)
	got, _ := tokens(t, m, p, g)
	for a.greedy < len(want) && got[a.greedy] == want[a.greedy] {
		a.greedy++
	}
	top, n := 0.0, 0
	other := steps(t, m, p, want)
	for i, l := range steps(t, exact, p, want) {
		for c, v := range l {
			d := math.Abs(float64(other[i][c] - v))
			a.most, a.mean, top = max(a.most, d), a.mean+d, max(top, math.Abs(float64(v)))
			n++
		}
		if likeliest(l) == likeliest(other[i]) {
			a.chosen++
		}
	}
	a.most, a.mean = a.most/top, a.mean/float64(n)/top
	first := *text
	first.IDs = text.IDs[:1]
	for i := range first.Positions {
		first.Positions[i] = text.Positions[i][:1]
	}
	rest := text.IDs[1:]
	for i, l := range steps(t, m, &first, rest[:len(rest)-1]) {
		a.loss += crossEntropy(l, rest[i+1]) / float64(len(rest)-1)
	}
	return a
}

// accuracyBounds are the most that logits may be from exact, as a part of the largest, and that the loss may differ: about a tenth
// more than was measured, since the numbers are the same on every machine. The random golden models have wide logits; models that
// have learned are nearer.
var accuracyBounds = map[string][]struct {
	precision  string
	most, loss float64
}{
	"embedded":          {{"bf16", 0.005, 0.001}, {"int8", 0.022, 0.005}, {"int4", 0.31, 0.025}},
	"golden":            {{"bf16", 0.026, 0.008}, {"int8", 0.125, 0.012}, {"int4", 0.55, 0.55}},
	"a":                 {{"bf16", 0.026, 0.008}, {"int8", 0.125, 0.012}, {"int4", 0.55, 0.55}},
	"b":                 {{"bf16", 0.072, 0.006}, {"int8", 0.40, 0.03}, {"int4", 1.25, 0.025}},
	"of LOUPE_ACCURACY": {{"bf16", 0.1, 0.1}, {"int8", 0.4, 0.3}, {"int4", 1.5, 1.5}},
}

// TestAccuracy measures what each precision costs on the embedded model and the golden ones, on a question about a picture and
// on text, and holds it to bounds. With -v it prints the table of docs/performance.md; LOUPE_ACCURACY names other models to
// measure.
func TestAccuracy(t *testing.T) {
	models := []struct{ name, dir string }{{"embedded", ""}}
	for _, dir := range goldenDirs(t) {
		models = append(models, struct{ name, dir string }{filepath.Base(dir), filepath.Join(dir, "model")})
	}
	if more := os.Getenv("LOUPE_ACCURACY"); more != "" {
		for _, dir := range strings.Split(more, ",") {
			models = append(models, struct{ name, dir string }{"of LOUPE_ACCURACY", dir})
		}
	}
	for _, model := range models {
		dir, bounds := model.dir, accuracyBounds[model.name]
		if bounds == nil {
			bounds = accuracyBounds["of LOUPE_ACCURACY"]
		}
		load := func(t *testing.T, precision string) *loupe.Model {
			o := loupe.Options{Precision: precision, MaxPixels: 200_704}
			if dir == "" {
				return embedded(t, o)
			}
			m, err := loupe.Load(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			return m
		}
		exact := load(t, "exact")
		picture := embeddedPrompt(t, exact)
		text, err := exact.Prepare(context.Background(), loupe.Ask(loupe.Rubric))
		if err != nil {
			t.Fatal(err)
		}
		base := measure(t, exact, exact, picture, text)
		t.Logf("%s exact: loss %.4f", exact.Name(), base.loss)
		for _, b := range bounds {
			a := measure(t, exact, load(t, b.precision), picture, text)
			t.Logf("%s %s: largest %.4f mean %.5f greedy %d likeliest %d loss %.4f", exact.Name(), b.precision, a.most, a.mean, a.greedy, a.chosen, a.loss)
			if !(a.most < b.most) || !(math.Abs(a.loss-base.loss) < b.loss) {
				t.Errorf("%s in %s: the logits are %.4f of the largest from exact and the loss %.4f more; at most %.3f and %.3f were expected", exact.Name(), b.precision, a.most, a.loss-base.loss, b.most, b.loss)
			}
		}
	}
}
