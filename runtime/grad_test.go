package loupe_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// gradientTolerance is how far a gradient may be from PyTorch's, as a part of its tensor's largest value.
const gradientTolerance = 1e-3

// TestGradients holds the gradient of each kind of target to PyTorch's, in testdata/gradients.
func TestGradients(t *testing.T) {
	dir := filepath.Join("testdata", "gradients")
	for _, name := range []string{"text", "image"} {
		c, err := loadGolden(filepath.Join("testdata", "golden"), name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := loupe.Load(c.model.Dir, loupe.Options{Head: filepath.Join(dir, "head")})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		want, err := weights.Open(filepath.Join(dir, name+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		byTarget := map[string][]weights.Tensor{}
		for _, w := range want.Tensors() {
			target, _, _ := strings.Cut(w.Name, "/")
			byTarget[target] = append(byTarget[target], w)
		}
		for target, tensors := range byTarget {
			t.Run(name+"/"+target, func(t *testing.T) {
				grad, err := loupe.ParseGradTarget(target, m.Tokenizer)
				if err != nil {
					t.Fatal(err)
				}
				got, err := m.Trace(context.Background(), c.prompt, loupe.TraceOptions{Taps: []string{"*"}, Grad: &grad})
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range tensors {
					tap, ok := got.Tap("d/" + strings.TrimPrefix(w.Name, target+"/"))
					if !ok {
						t.Errorf("no gradient at %s", w.Name)
						continue
					}
					compareGradient(t, w.Name, tap.Data, w.F32())
				}
			})
		}
	}
}

func compareGradient(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d numbers, want %d", name, len(got), len(want))
		return
	}
	off, largest := 0.0, 0.0
	for i := range want {
		off = max(off, math.Abs(float64(got[i])-float64(want[i])))
		largest = max(largest, math.Abs(float64(want[i])))
	}
	if !(off <= gradientTolerance*largest) || largest == 0 {
		t.Errorf("%s is off by %.2g of its largest value %.3g", name, off/largest, largest)
	}
}

// TestGradientsThroughInterventions holds gradients of a run with interventions to finite differences: the score's or the
// logit's change when the tap before them is moved a little along its gradient.
func TestGradientsThroughInterventions(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := embeddedPrompt(t, m)
	half := func(tap string, op tensor.EditOp, head int, rows ...int) loupe.Intervention {
		iv := loupe.Intervention{Tap: tap, Op: op, Head: head, Rows: rows, Scale: 0.5}
		if op == tensor.Add || op == tensor.Set {
			iv.Value = make([]float32, len(p.IDs))
			for i := range iv.Value {
				iv.Value[i] = float32(i%5) / 10
			}
		}
		return iv
	}
	for _, iv := range []loupe.Intervention{
		half("model.layers.1.self_attn.probs", tensor.Scale, loupe.AllHeads),
		half("model.layers.1.self_attn.probs", tensor.Zero, 1, -1),
		half("model.layers.1.self_attn.probs", tensor.Mean, loupe.AllHeads, -1, 4),
		half("model.layers.1.self_attn.probs", tensor.Set, 0),
		half("model.layers.1.self_attn.scores", tensor.Add, loupe.AllHeads),
		half("model.layers.1.self_attn.scores", tensor.Scale, 0),
		half("model.layers.1.self_attn.scores", tensor.Mean, 1),
		half("model.layers.1.self_attn.heads", tensor.Zero, 0),
		half("model.layers.2.out", tensor.Scale, loupe.AllHeads),
		half("model.layers.1.out", tensor.Mean, loupe.AllHeads, -1),
	} {
		t.Run(iv.Op.String()+" at "+iv.Tap, func(t *testing.T) {
			const before = "model.layers.0.out"
			grad, err := loupe.ParseGradTarget("logit:9", m.Tokenizer)
			if err != nil {
				t.Fatal(err)
			}
			o := loupe.Taps(before, "lm_head").With(iv)
			o.Grad = &grad
			got, err := m.Trace(context.Background(), p, o)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := got.Tap("d/" + before)
			norm := 0.0
			for _, v := range d.Data {
				norm += float64(v) * float64(v)
			}
			if norm == 0 {
				t.Fatal("the gradient is zero")
			}
			// A step of h along the gradient changes the logit by h * |gradient|^2.
			logit := func(h float64) float64 {
				move := loupe.Intervention{Tap: before, Op: tensor.Add, Head: loupe.AllHeads, Value: d.Data, Scale: float32(h)}
				got, err := m.Trace(context.Background(), p, loupe.Taps("lm_head").With(move, iv))
				if err != nil {
					t.Fatal(err)
				}
				all, _ := got.Tap("lm_head")
				return float64(all.Data[len(all.Data)-all.Shape[1]+9])
			}
			h := 0.02 / math.Sqrt(norm)
			slope := (logit(h) - logit(-h)) / (2 * h)
			if math.Abs(slope-norm) > 0.01*norm {
				t.Errorf("along its gradient the logit has the slope %.5g, and the gradient says %.5g", slope, norm)
			}
		})
	}
}

// TestGradientsOfAnyHead: heads that read images and videos together, after a block or after the merger, by their mean or their
// last row, have gradients that finite differences confirm.
func TestGradientsOfAnyHead(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 4})
	frame := func(seed int) picture.Image {
		img := picture.Image{Width: 56, Height: 56, Pix: make([]byte, 3*56*56)}
		for i := range img.Pix {
			img.Pix[i] = byte(i * i / (60 + seed))
		}
		return img
	}
	in := loupe.Ask("What moves?", frame(1))
	in.Messages[0].Parts = append(in.Messages[0].Parts, tokenizer.Part{Type: tokenizer.VideoPart})
	in.Videos = [][]picture.Image{{frame(2), frame(3), frame(4), frame(5)}}
	p, err := m.Prepare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range []weights.HeadInput{weights.BlockInput(1), weights.MergerInput, weights.NormInput} {
		for _, pool := range []weights.Pool{weights.PoolMean, weights.PoolLast} {
			t.Run(input.Tap()+" "+string(pool), func(t *testing.T) {
				cfg := weights.ScoreHeadConfig{Version: 1, Input: input, Pool: pool, Targets: []weights.ScoreTarget{{Name: "score", Std: 10, Min: 1, Max: 100}}}
				if err := m.Learner().NewHead(cfg); err != nil {
					t.Fatal(err)
				}
				setHead(t, m)
				o := loupe.Taps("pixel_values", "pixel_values_videos")
				o.Grad = &loupe.GradTarget{Score: true}
				got, err := m.Trace(context.Background(), p, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, tap := range o.Taps {
					d, ok := got.Tap("d/" + tap)
					if !ok {
						t.Fatalf("no gradient at %s", tap)
					}
					norm := 0.0
					for _, v := range d.Data {
						norm += float64(v) * float64(v)
					}
					if none := pool == weights.PoolLast && tap == "pixel_values" && input != weights.NormInput; none != (norm == 0) {
						t.Errorf("%s: the gradient's square is %g", tap, norm)
						continue
					} else if none {
						continue
					}
					score := func(h float64) float64 {
						move := loupe.Intervention{Tap: tap, Op: tensor.Add, Head: loupe.AllHeads, Value: d.Data, Scale: float32(h)}
						got, err := m.Trace(context.Background(), p, loupe.TraceOptions{}.With(move))
						if err != nil {
							t.Fatal(err)
						}
						return got.Score.Targets[0].Value
					}
					h := 0.002 / math.Sqrt(norm)
					if slope := (score(h) - score(-h)) / (2 * h); math.Abs(slope-norm) > 0.01*norm {
						t.Errorf("%s: along its gradient the score has the slope %.5g, and the gradient says %.5g", tap, slope, norm)
					}
				}
			})
		}
	}
}

func TestParseGradTarget(t *testing.T) {
	ptr := func(n int) *int { return &n }
	for s, want := range map[string]loupe.GradTarget{
		"score":         {Score: true},
		"score:color":   {Score: true, Name: "color"},
		"logit":         {Token: -1},
		"logit:17":      {Token: 17},
		"logit@-2":      {Token: -1, At: ptr(-2)},
		"logprob":       {Token: -1, LogProb: true},
		"logprob:17@3":  {Token: 17, LogProb: true, At: ptr(3)},
		"diff:17,4":     {Token: 17, Minus: ptr(4)},
		"diff:17,4@-10": {Token: 17, Minus: ptr(4), At: ptr(-10)},
	} {
		got, err := loupe.ParseGradTarget(s, nil)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s, diff)
		}
	}
	for s, want := range map[string]string{
		"":             "give score",
		"scores":       "give score",
		"score:":       "names no target",
		"logit:":       "is no token",
		"logit:-1":     "is no token",
		"logit:red":    "is no token",
		"logit:' red'": "needs the model's tokenizer",
		"logit:'red":   "not closed",
		"logit:1,2":    "left over",
		"logit:1@end":  "no position",
		"diff":         "is no token",
		"diff:1":       "two tokens",
		"diff:1,":      "is no token",
		"diff:1,2,3":   "left over",
		"diff:4,4":     "both tokens are 4",
	} {
		if _, err := loupe.ParseGradTarget(s, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "TraceOptions.Grad "+s) {
			t.Errorf("%q: error is %v, want one with %q", s, err, want)
		}
	}
}

// TestGradTargetOfThisModel reads words, and refuses what the model or the prompt does not have.
func TestGradTargetOfThisModel(t *testing.T) {
	m := embedded(t, loupe.Options{})
	ids, err := m.Tokenizer.Encode(" the")
	if err != nil || len(ids) != 1 {
		t.Fatalf("the test's word is %v, %v", ids, err)
	}
	got, err := loupe.ParseGradTarget("diff:' the',3", m.Tokenizer)
	if err != nil || got.Token != ids[0] || *got.Minus != 3 {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := loupe.ParseGradTarget("logit:'nowhere to be found'", m.Tokenizer); err == nil || !strings.Contains(err.Error(), "tokens") {
		t.Errorf("several tokens: %v", err)
	}
	for s, want := range map[string]string{
		"score:taste":  "originality",
		"logit:999999": "no token 999999",
		"diff:1,99999": "no token 99999",
		"logit@5000":   "no position 5000",
		"logit@-5000":  "no position -5000",
	} {
		grad, err := loupe.ParseGradTarget(s, m.Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Trace(context.Background(), embeddedPrompt(t, m), loupe.TraceOptions{Taps: []string{"*"}, Grad: &grad})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}
