package train_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// gradientTolerance is how far a gradient may be from PyTorch's, as a part of its tensor's largest value.
const gradientTolerance = 1e-3

// goldenTraining is golden/X/train: a model with a score head and two records.
type goldenTraining struct {
	dir      string
	model    *loupe.Model
	examples []loupe.Example
}

// eachFixture runs a test on every fixture there is, with its adapter where that is asked for.
func eachFixture(t *testing.T, withAdapter bool, f func(t *testing.T, fx *goldenTraining)) {
	shared := fixture.Shared(t)
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			dir, adapter := filepath.Join(shared, "golden", name), ""
			if withAdapter {
				adapter = filepath.Join(dir, "train", "lora_adapter")
			}
			f(t, openFixture(t, dir, adapter))
		})
	}
}

func openFixture(t *testing.T, dir, adapter string) *goldenTraining {
	t.Helper()
	var records struct {
		Records []struct {
			Image, Critique string
			Score           float64
			PromptTokens    int `json:"prompt_tokens"`
			Tokens          int
		}
		System, User string
	}
	fixture.ReadJSON(t, filepath.Join(dir, "train", "records.json"), &records)
	m, err := loupe.Load(filepath.Join(dir, "model"), loupe.Options{Head: fixture.Head(t, dir), Adapter: adapter})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	fx := &goldenTraining{dir: dir, model: m}
	for _, r := range records.Records {
		img, err := picture.LoadFile(context.Background(), filepath.Join(dir, "..", "..", "reference", "images", r.Image), picture.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		in := loupe.Ask(records.User, img)
		in.Messages = append([]tokenizer.Message{{Role: "system", Text: records.System}}, in.Messages...)
		l, err := train.NewExample(context.Background(), m, in, r.Critique, []float64{r.Score}, []bool{true})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Prompt.IDs) != r.Tokens {
			t.Errorf("%s has %d tokens, want %d", r.Image, len(l.Prompt.IDs), r.Tokens)
		}
		fx.examples = append(fx.examples, l)
	}
	return fx
}

// gradients are those of the joint loss over all examples, and the loss.
func (fx *goldenTraining) gradients(t *testing.T, recompute bool) (loss float64) {
	t.Helper()
	for _, l := range fx.examples {
		got, err := fx.model.Learner().Learn(context.Background(), l, loupe.LearnOptions{Weight: 1 / float32(len(fx.examples)), Lambda: 1, Recompute: recompute})
		if err != nil {
			t.Fatal(err)
		}
		loss += (got.LM + got.Score) / float64(len(fx.examples))
	}
	return loss
}

func (fx *goldenTraining) expected(t *testing.T) (e struct {
	Loss     float64
	LoraLoss float64 `json:"lora_loss"`
}) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(fx.dir, "train", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func compareGradients(t *testing.T, m *loupe.Model, file string, params []*train.Param) {
	t.Helper()
	want, err := weights.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	byName := map[string]*train.Param{}
	for _, p := range params {
		byName[p.Name] = p
	}
	worst, worstName := 0.0, ""
	for _, w := range want.Tensors() {
		p, ok := byName[w.Name]
		if !ok {
			t.Errorf("nothing learns for %s", w.Name)
			continue
		}
		delete(byName, w.Name)
		largest, off := 0.0, 0.0
		grad := floats(t, m, p.Grad)
		for i, v := range w.F32() {
			largest = max(largest, math.Abs(float64(v)))
			off = max(off, math.Abs(float64(v)-float64(grad[i]))) // max keeps a NaN
		}
		if !(off <= gradientTolerance*largest) {
			t.Errorf("%s is off by %.2g of its largest value %.3g", w.Name, off/largest, largest)
		}
		if off/largest > worst {
			worst, worstName = off/largest, w.Name
		}
	}
	for name := range byName {
		t.Errorf("%s learns, and the reference has no gradient of it", name)
	}
	t.Logf("largest error %.1e of a tensor's largest value, at %s", worst, strings.TrimSpace(worstName))
}

// learners are the parameters that a function makes learn.
func learners(t *testing.T, m *loupe.Model, make func(*loupe.Model, []string) ([]*train.Param, error)) []*train.Param {
	t.Helper()
	params, err := make(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return params
}

// TestFullGradients holds every gradient of the joint loss to PyTorch's, kept and recomputed.
func TestFullGradients(t *testing.T) {
	for _, recompute := range []bool{false, true} {
		t.Run(fmt.Sprintf("recompute=%v", recompute), func(t *testing.T) {
			eachFixture(t, false, func(t *testing.T, fx *goldenTraining) {
				params := append(learners(t, fx.model, train.Full), learners(t, fx.model, train.Head)...)
				loss := fx.gradients(t, recompute)
				if want := fx.expected(t).Loss; math.Abs(loss-want) > 1e-4*want {
					t.Errorf("the loss is %v, want %v", loss, want)
				}
				compareGradients(t, fx.model, filepath.Join(fx.dir, "train", "full_grads.safetensors"), params)
			})
		})
	}
}

// TestLoRAGradients does the same with the adapter that PEFT wrote: only its branches and the head learn.
func TestLoRAGradients(t *testing.T) {
	for _, recompute := range []bool{false, true} {
		t.Run(fmt.Sprintf("recompute=%v", recompute), func(t *testing.T) {
			eachFixture(t, true, func(t *testing.T, fx *goldenTraining) {
				params, err := train.LoRA(fx.model, train.LoRAOptions{})
				if err != nil {
					t.Fatal(err)
				}
				params = append(params, learners(t, fx.model, train.Head)...)
				loss := fx.gradients(t, recompute)
				if want := fx.expected(t).LoraLoss; math.Abs(loss-want) > 1e-4*want {
					t.Errorf("the loss is %v, want %v", loss, want)
				}
				compareGradients(t, fx.model, filepath.Join(fx.dir, "train", "lora_grads.safetensors"), params)
			})
		})
	}
}
