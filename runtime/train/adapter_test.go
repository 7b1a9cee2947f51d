package train_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// The adapters that runtime/testdata/adapters/make.py made with PEFT, and the numbers of its learning.
var (
	peftAdapters = filepath.Join("..", "testdata", "adapters")
	goldenDir    = filepath.Join("..", "testdata", "golden")
)

const learnedTokens, learningRate, learningDecay = 6, 1e-2, 0.1

// goldenExample is the golden fixtures' case "image", of which the last tokens are learned.
func goldenExample(t *testing.T, m *loupe.Model) loupe.Example {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldenDir, "cases", "image.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Messages json.RawMessage
		Images   []string
	}
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	var in loupe.Input
	if in.Messages, err = tokenizer.ParseMessages(c.Messages); err != nil {
		t.Fatal(err)
	}
	for _, name := range c.Images {
		img, err := picture.LoadFile(context.Background(), filepath.Join(goldenDir, "pictures", strings.TrimSuffix(name, filepath.Ext(name))+".png"), picture.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		in.Images = append(in.Images, img)
	}
	p, err := m.Prepare(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	l := loupe.Example{Prompt: p, Labels: make([]int, len(p.IDs))}
	for i, id := range p.IDs {
		l.Labels[i] = tensor.IgnoreIndex
		if i >= len(p.IDs)-learnedTokens {
			l.Labels[i] = id
		}
	}
	return l
}

// TestAdapterLearning holds the loss, every gradient and three steps of AdamW to PEFT's: with DoRA, with modules that are saved
// whole, and with branches of the embedding; kept and recomputed.
func TestAdapterLearning(t *testing.T) {
	for _, name := range []string{"learn-dora", "learn-saved", "learn-embedding"} {
		for _, recompute := range []bool{false, true} {
			m, err := loupe.Load(filepath.Join(goldenDir, "model"), loupe.Options{Adapter: filepath.Join(peftAdapters, name)})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			want, err := weights.Open(filepath.Join(peftAdapters, "learning", name+".safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			params, err := train.LoRA(m, train.LoRAOptions{})
			if err != nil {
				t.Fatal(err)
			}
			losses, err := want.Tensor("losses")
			if err != nil {
				t.Fatal(err)
			}
			opt, err := train.NewAdamW(params, learningDecay)
			if err != nil {
				t.Fatal(err)
			}
			example := goldenExample(t, m)
			for step, loss := range losses.F32() {
				train.ZeroGrad(params)
				got, err := m.Learner().Learn(context.Background(), example, loupe.LearnOptions{Weight: 1, Recompute: recompute})
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(got.LM-float64(loss)) > 1e-4*float64(loss) {
					t.Errorf("%s: the loss of step %d is %v, want %v", name, step, got.LM, loss)
				}
				if step == 0 {
					near(t, name, "grad.", want, params, func(p *train.Param) []float32 { return floats(t, m, p.Grad) }, 1e-3)
				}
				opt.Step(params, func(*train.Param) float64 { return learningRate }, 1)
				if err := m.Learner().RefreshDoRA(); err != nil {
					t.Fatal(err)
				}
			}
			near(t, name, "after.", want, params, func(p *train.Param) []float32 { return floats(t, m, p.Value) }, 2e-3)
		}
	}
}

// floats is numbers of a model, from its device.
func floats(t *testing.T, m *loupe.Model, b kernels.Buffer) []float32 {
	t.Helper()
	x, err := kernels.Floats(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// near holds numbers of each parameter to those of the tensors whose names begin so.
func near(t *testing.T, name, prefix string, want *weights.File, params []*train.Param, of func(*train.Param) []float32, bound float64) {
	t.Helper()
	left := map[string]*train.Param{}
	for _, p := range params {
		left[p.Name] = p
	}
	for _, w := range want.Tensors() {
		tail, ok := strings.CutPrefix(w.Name, prefix)
		if !ok {
			continue
		}
		p := left[tail]
		if p == nil {
			t.Errorf("%s: nothing learns for %s", name, tail)
			continue
		}
		delete(left, tail)
		got, off, largest := of(p), 0.0, 0.0
		for i, v := range w.F32() {
			at := i
			if strings.HasSuffix(tail, weights.PartEmbedA) { // learned with the tokens as rows
				r, c := i/w.Shape[1], i%w.Shape[1]
				at = c*w.Shape[0] + r
			}
			off, largest = max(off, math.Abs(float64(got[at])-float64(v))), max(largest, math.Abs(float64(v)))
		}
		if !(off <= bound*largest) {
			t.Errorf("%s: %s%s is %.2g of its largest value %.3g off", name, prefix, tail, off/largest, largest)
		}
	}
	for n := range left {
		t.Errorf("%s: %s learns, and not for PEFT", name, n)
	}
}

// TestMergeAdapters: merged in float32 every kind of adapter gives its own logits, those of a tied model too whose ends it makes
// differ.
func TestMergeAdapters(t *testing.T) {
	model := filepath.Join(goldenDir, "model")
	for _, name := range []string{"older-names", "dora", "dora-lm-head", "convolution", "saved-norms-and-merger", "saved-lm-head", "saved-embedding", "saved-tied",
		"bias-all", "embedding", "embedding-dora", "lm-head", "tied-branches", "patterns"} {
		adapter := filepath.Join(peftAdapters, name)
		m, err := loupe.Load(model, loupe.Options{Adapter: adapter})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		dir := filepath.Join(t.TempDir(), "merged")
		if err := train.Merge(context.Background(), m, dir, train.MergeF32); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, want := logits(t, model, loupe.Options{Adapter: adapter})
		_, got := logits(t, dir, loupe.Options{})
		if d := apart(want.Data, got.Data); !(d <= 2e-5) {
			t.Errorf("%s: merged, the logits are %.2g of the largest off", name, d)
		}
	}
}

// dora is a run that learns with DoRA and modules that are saved whole.
func dora(t *testing.T) train.Options {
	t.Helper()
	o := options(t, painted(t, 4))
	o.LR, o.LoRA.DoRA, o.LoRA.Dropout = 0.02, true, 0.2
	o.LoRA.Targets = []string{"*.q_proj", "visual.blocks.1.*", "visual.patch_embed.proj", "lm_head"}
	o.LoRA.Modules = []string{"visual.merger", "*layernorm", "embed_tokens"}
	return o
}

// TestDoRAResumes: a run with DoRA and saved modules that is stopped, and goes on with other threads, comes to the same bytes.
func TestDoRAResumes(t *testing.T) {
	whole := dora(t)
	if err := run(context.Background(), t, whole, 2, nil); err != nil {
		t.Fatal(err)
	}
	parts := dora(t)
	ctx, cancel := context.WithCancel(context.Background())
	if err := run(ctx, t, parts, 2, func(p train.Progress) {
		if p.Stage == "train" && p.Done == 3 {
			cancel()
		}
	}); err == nil {
		t.Fatal("the run was not stopped")
	}
	parts.Resume = true
	if err := run(context.Background(), t, parts, 1, nil); err != nil {
		t.Fatal(err)
	}
	if digest(t, whole.Out) != digest(t, parts.Out) {
		t.Error("the results differ after a stop")
	}
}

// TestDoRAOfARun: what a run with DoRA and saved modules writes loads, gives the logits that the run ended with, merges, and goes
// on learning as an adapter; all that the options name has moved.
func TestDoRAOfARun(t *testing.T) {
	o := dora(t)
	result(t, o)
	m, err := loupe.Load(tiny, loupe.Options{Adapter: o.Out})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if !m.Adapter.DoRA || len(m.Adapter.ModulesToSave) != 3+2*len(m.Decoder.Layers)+1 {
		t.Errorf("read %+v", m.Adapter)
	}
	base, err := loupe.Load(tiny, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	if floats(t, m, m.Decoder.Norm.Weight)[0] != floats(t, base, base.Decoder.Norm.Weight)[0] {
		t.Error("model.norm moved, and nothing names it")
	}
	for i, n := range m.Learner().Norms() {
		if moved, named := floats(t, m, n.Weight)[0] != floats(t, base, base.Learner().Norms()[i].Weight)[0], strings.HasSuffix(n.Name, "layernorm") || n.Name == "visual.merger.ln_q"; moved != named {
			t.Errorf("%s moved: %v", n.Name, moved)
		}
	}
	_, want := logits(t, tiny, loupe.Options{Adapter: o.Out})
	_, got := logits(t, merge(t, o.Out, train.MergeF32), loupe.Options{})
	if d := apart(want.Data, got.Data); !(d <= 2e-5) {
		t.Errorf("merged, the logits are %.2g of the largest off", d)
	}
	again := options(t, painted(t, 4))
	if _, err := train.Run(context.Background(), m, again, func(train.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if n := len(moved(t, filepath.Join(o.Out, weights.AdapterWeightsName), filepath.Join(again.Out, weights.AdapterWeightsName))); n == 0 {
		t.Error("nothing moved when the adapter learned on")
	}
	if err := run(context.Background(), t, func() train.Options {
		o := options(t, painted(t, 4))
		o.LoRA.Modules = []string{"visual.mergers"}
		return o
	}(), 1, nil); err == nil || !strings.Contains(err.Error(), "train.LoRAOptions.Modules") {
		t.Errorf("modules that the model does not have: %v", err)
	}
	for name, says := range map[string]string{"saved-tied": "ensure_weight_tying", "tied-branches": "ensure_weight_tying"} {
		tied, err := loupe.Load(tiny, loupe.Options{Adapter: filepath.Join(peftAdapters, name)})
		if err != nil {
			t.Fatal(err)
		}
		defer tied.Close()
		if _, err := train.LoRA(tied, train.LoRAOptions{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s learns: %v", name, err)
		}
	}
}

// TestAdaptersAreWrittenAgain: an adapter of any kind that learns on, by a rate that moves nothing, is written so that it gives
// the same bits: its patterns, namings, shapes and all that it saves whole.
func TestAdaptersAreWrittenAgain(t *testing.T) {
	for _, name := range []string{"patterns", "convolution", "embedding-dora", "bias-all-and-saved", "older-names"} {
		adapter := filepath.Join(peftAdapters, name)
		m, err := loupe.Load(tiny, loupe.Options{Adapter: adapter, MaxPixels: 56 * 56})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		o := options(t, painted(t, 2))
		o.Steps, o.LR, o.Decay = 1, 1e-15, 0
		if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, want := logits(t, tiny, loupe.Options{Adapter: adapter})
		_, got := logits(t, tiny, loupe.Options{Adapter: o.Out})
		if d := apart(want.Data, got.Data); d != 0 {
			t.Errorf("%s: written again, the logits are %.2g of the largest off", name, d)
		}
	}
}
