package train_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// question is a prompt about a painted picture.
func question(t *testing.T, m *loupe.Model) *loupe.Prompt {
	t.Helper()
	img, err := picture.LoadFile(context.Background(), filepath.Join(painted(t, 1), "00000.png"), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(context.Background(), loupe.Ask("What do you see?", img))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// logits are those of every token of the question.
func logits(t *testing.T, dir string, o loupe.Options) (*loupe.Prompt, loupe.Tap) {
	t.Helper()
	o.MaxPixels = 84 * 84
	m, err := loupe.Load(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := question(t, m)
	var out loupe.Tap
	if _, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"lm_head"}}, func(tap loupe.Tap) error { out = tap; return nil }); err != nil {
		t.Fatal(err)
	}
	return p, out
}

// apart is the largest difference as a part of the largest value.
func apart(a, b []float32) float64 {
	worst, top := 0.0, 0.0
	for i, v := range a {
		worst, top = max(worst, math.Abs(float64(v)-float64(b[i]))), max(top, math.Abs(float64(v)))
	}
	return worst / top
}

// adapted is an adapter that has learned enough to matter.
func adapted(t *testing.T) train.Options {
	t.Helper()
	o := options(t, painted(t, 4))
	o.LR, o.LoRA.RSLoRA, o.LoRA.Dropout = 0.02, true, 0
	result(t, o)
	return o
}

// merge merges the adapter into the tiny model.
func merge(t *testing.T, adapter, dtype string) string {
	t.Helper()
	m, err := loupe.Load(tiny, loupe.Options{Adapter: adapter})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dir := filepath.Join(t.TempDir(), dtype)
	if err := train.Merge(context.Background(), m, dir, dtype); err != nil {
		t.Fatal(err)
	}
	if err := train.Merge(context.Background(), m, dir, dtype); err == nil {
		t.Error("merged over a model that is there")
	}
	return dir
}

// TestMerge: merged in float32 the logits are those of the adapter but for the order of the sums; merged in bfloat16 they
// are near them; what has no branch is the same bytes, and the head goes along.
func TestMerge(t *testing.T) {
	o := adapted(t)
	_, want := logits(t, tiny, loupe.Options{Adapter: o.Out})
	_, base := logits(t, tiny, loupe.Options{})
	if d := apart(want.Data, base.Data); d < 0.2 {
		t.Fatalf("the adapter changes logits by %v only: this test would see nothing", d)
	}
	for dtype, bound := range map[string]float64{train.MergeF32: 1e-5, train.MergeBase: 5e-2, train.MergeBF16: 5e-2} {
		dir := merge(t, o.Out, dtype)
		_, got := logits(t, dir, loupe.Options{})
		if d := apart(want.Data, got.Data); !(d <= bound) {
			t.Errorf("%s: the logits are %v off", dtype, d)
		}
		m, err := loupe.Load(dir, loupe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if m.Head == nil {
			t.Errorf("%s: the score head is not there", dtype)
		}
		before, err := weights.OpenCheckpoint(tiny)
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		same := 0
		for _, x := range m.Stored().Checkpoint().Tensors() {
			if y, err := before.Tensor(x.Name); err == nil && bytes.Equal(x.Data, y.Data) {
				same++
			}
		}
		if all := len(before.Tensors()); (dtype == train.MergeF32) != (same == 0) || same == all {
			t.Errorf("%s: %d of %d tensors are as they were", dtype, same, all)
		}
	}
	m, err := loupe.Load(tiny, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := train.Merge(context.Background(), m, t.TempDir(), train.MergeBase); err == nil || !strings.Contains(err.Error(), "Options.Adapter") {
		t.Errorf("merged nothing: %v", err)
	}
}

// TestOlderNaming: an adapter whose tensors are named as transformers before 4.52 named modules gives the same bits.
func TestOlderNaming(t *testing.T) {
	o := adapted(t)
	_, want := logits(t, tiny, loupe.Options{Adapter: o.Out})
	f, err := weights.Open(filepath.Join(o.Out, weights.AdapterWeightsName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var older []weights.Named
	for _, x := range f.Tensors() {
		name := strings.NewReplacer("model.language_model.", "model.", "model.model.visual.", "model.visual.").Replace(x.Name)
		if name == x.Name {
			t.Fatalf("%s has no older name", name)
		}
		older = append(older, weights.FromTensor(name, x))
	}
	dir := t.TempDir()
	if err := weights.Write(filepath.Join(dir, weights.AdapterWeightsName), older, nil); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(o.Out, weights.AdapterConfigName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, weights.AdapterConfigName), config, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, got := logits(t, tiny, loupe.Options{Adapter: dir}); apart(want.Data, got.Data) != 0 {
		t.Error("the logits differ")
	}
}

// TestReference has PEFT and transformers load what loupe wrote, and compares their logits with loupe's: an adapter of each
// kind of scaling, a model merged in float32 and in bfloat16, and a model that learned whole.
func TestReference(t *testing.T) {
	python := os.Getenv("LOUPE_PYTHON")
	if python == "" {
		t.Skip("set LOUPE_PYTHON to a Python with torch, transformers and peft")
	}
	if err := exec.Command(python, "-c", "import torch, transformers, peft").Run(); err != nil {
		t.Skipf("LOUPE_PYTHON has no torch, transformers and peft: %v", err)
	}
	o := adapted(t)
	plain := options(t, painted(t, 4))
	plain.LR, plain.LoRA.Dropout, plain.LoRA.Targets = 0.02, 0, []string{"*.q_proj", "visual.blocks.1.*", "*.layers.1.mlp.*", "visual.merger.mlp.*"}
	result(t, plain)
	decomposed := dora(t)
	result(t, decomposed)
	full := options(t, painted(t, 4))
	full.Full, full.LR = true, 1e-3
	result(t, full)
	for _, c := range []struct{ name, model, adapter string }{
		{"rslora", tiny, o.Out}, {"lora", tiny, plain.Out}, {"merged in f32", merge(t, o.Out, train.MergeF32), ""},
		{"dora and saved modules", tiny, decomposed.Out}, {"dora merged in f32", merge(t, decomposed.Out, train.MergeF32), ""},
		{"merged in bf16", merge(t, o.Out, train.MergeBase), ""}, {"full", full.Out, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, want := logits(t, c.model, loupe.Options{Adapter: c.adapter})
			file := filepath.Join(t.TempDir(), "case.safetensors")
			if err := weights.Write(file, inputs(p, want), nil); err != nil {
				t.Fatal(err)
			}
			args := []string{filepath.Join("testdata", "logits.py"), c.model, file}
			if c.adapter != "" {
				args = append(args, c.adapter)
			}
			out, err := exec.Command(python, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Log(strings.TrimSpace(string(out)))
		})
	}
}

// inputs are a prompt as transformers takes it, with loupe's logits.
func inputs(p *loupe.Prompt, logits loupe.Tap) []weights.Named {
	var ids, positions, grid []int64
	for _, id := range p.IDs {
		ids = append(ids, int64(id))
	}
	for axis := range 3 {
		for _, at := range p.Positions[axis] {
			positions = append(positions, int64(at))
		}
	}
	for _, n := range p.Images.Grids[0] {
		grid = append(grid, int64(n))
	}
	pixels := p.Images.Pixels
	return []weights.Named{
		weights.FromI64("input_ids", []int{1, len(ids)}, ids), weights.FromI64("position_ids", []int{3, 1, len(ids)}, positions),
		weights.FromI64("image_grid_thw", []int{1, 3}, grid), weights.FromF32("pixel_values", []int{pixels.Rows, pixels.Cols}, pixels.Floats()),
		weights.FromF32("logits", logits.Shape, logits.Data),
	}
}
