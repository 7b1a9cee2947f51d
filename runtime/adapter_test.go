package loupe_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// adapterLogits is how far logits may be from PEFT's, as a part of the largest.
const adapterLogits = 2e-4

// adapterDir holds what testdata/adapters/make.py made with PEFT.
var adapterDir = filepath.Join("testdata", "adapters")

// lastLogits are the model's logits of the last token of the case "image" of the golden fixtures.
func lastLogits(t *testing.T, dir string, o loupe.Options) ([]float32, error) {
	t.Helper()
	c, err := loadGolden(filepath.Join("testdata", "golden"), "image")
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		dir = c.model.Dir
	}
	m, err := loupe.Load(dir, o)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	var out []float32
	_, err = m.Trace(context.Background(), c.prompt, loupe.TraceOptions{Taps: []string{"lm_head"}}, func(tap loupe.Tap) error {
		out = append(out, tap.Data[len(tap.Data)-tap.Shape[1]:]...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, nil
}

func distance(a, b []float32) float64 {
	worst, top := 0.0, 0.0
	for i, v := range b {
		worst, top = max(worst, math.Abs(float64(v)-float64(a[i]))), max(top, math.Abs(float64(v)))
	}
	return worst / top
}

// TestAdapters holds logits with each kind of adapter to PEFT's: branches of all kinds of modules, DoRA, modules that are saved
// whole, biases, and every way of naming what is adapted.
func TestAdapters(t *testing.T) {
	want, err := weights.Open(filepath.Join(adapterDir, "logits.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	plain, err := lastLogits(t, "", loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want.Tensors() {
		got, err := lastLogits(t, "", loupe.Options{Adapter: filepath.Join(adapterDir, w.Name)})
		if err != nil {
			t.Errorf("%s: %v", w.Name, err)
			continue
		}
		if d := distance(got, w.F32()); !(d <= adapterLogits) {
			t.Errorf("%s: the logits are %.2g of the largest off; those of the base are %.2g off", w.Name, d, distance(plain, w.F32()))
		}
	}
}

// TestAdapterOverPrecisions: adapters of all kinds load over each precision, and change what it computes as they change exact.
func TestAdapterOverPrecisions(t *testing.T) {
	for _, name := range []string{"dora", "saved-norms-and-merger", "embedding", "lm-head"} {
		adapter := filepath.Join(adapterDir, name)
		exact, err := lastLogits(t, "", loupe.Options{Adapter: adapter})
		if err != nil {
			t.Fatal(err)
		}
		for precision, bound := range map[string]float64{"bf16": 0.05, "int8": 0.25} {
			got, err := lastLogits(t, "", loupe.Options{Adapter: adapter, Precision: precision})
			if err != nil {
				t.Errorf("%s over %s: %v", name, precision, err)
				continue
			}
			if d := distance(got, exact); !(d <= bound) {
				t.Errorf("%s over %s: the logits are %.2g of the largest off", name, precision, d)
			}
		}
	}
}

// rewritten is a copy of an adapter with other configuration values and other tensors; each change gives new ones for a name, or nil for none.
func rewritten(t *testing.T, name string, config map[string]any, change func(weights.Named) []weights.Named) string {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join(adapterDir, name, weights.AdapterConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	for k, v := range config {
		c[k] = v
	}
	if data, err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, weights.AdapterConfigName), data, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := weights.Open(filepath.Join(adapterDir, name, weights.AdapterWeightsName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []weights.Named
	for _, x := range f.Tensors() {
		n := weights.FromTensor(x.Name, x)
		if change == nil {
			out = append(out, n)
			continue
		}
		out = append(out, change(n)...)
	}
	if err := weights.Write(filepath.Join(dir, weights.AdapterWeightsName), out, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAdapterNames: one adapter gives the same bits under every form of its tensors' names, and with configurations that say the
// same in other words.
func TestAdapterNames(t *testing.T) {
	renamed := func(old ...string) func(n weights.Named) []weights.Named {
		r := strings.NewReplacer(old...)
		return func(n weights.Named) []weights.Named { n.Name = r.Replace(n.Name); return []weights.Named{n} }
	}
	later := renamed("model.model.layers", "model.model.language_model.layers", "model.visual", "model.model.visual")
	wrapped := renamed("model.model.layers", "model.language_model.model.layers")
	withDefault := renamed("lora_A.weight", "lora_A.default.weight", "lora_B.weight", "lora_B.default.weight")
	for _, c := range []struct {
		name, adapter string
		config        map[string]any
		change        func(weights.Named) []weights.Named
	}{
		{"later", "older-names", nil, later},
		{"wrapped", "older-names", nil, wrapped},
		{"headless", "older-names", nil, renamed("model.model.layers", "model.language_model.layers")},
		{"headless expression", "older-names", map[string]any{"target_modules": `language_model\.layers\.\d+\.(mlp\.up_proj|self_attn\.q_proj)|visual\..*qkv`}, renamed("model.model.layers", "model.language_model.layers")},
		{"default", "older-names", nil, withDefault},
		{"older expression", "older-names", map[string]any{"target_modules": `model\.layers\.\d+\.(mlp\.up_proj|self_attn\.q_proj)|visual\..*qkv`}, nil},
		{"older expression, later tensors", "older-names", map[string]any{"target_modules": `model\.layers\.\d+\.(mlp\.up_proj|self_attn\.q_proj)|visual\..*qkv`}, later},
		{"later expression, older tensors", "older-names", map[string]any{"target_modules": `model\.language_model\..*(up|q)_proj|model\.visual\..*qkv`}, nil},
		{"magnitudes with weight", "dora", nil, renamed("magnitude_vector", "magnitude_vector.default.weight")},
		{"saved with its wrapper", "saved-lm-head", nil, renamed("lm_head.weight", "lm_head.modules_to_save.default.weight")},
		{"saved by its whole name", "saved-lm-head", map[string]any{"modules_to_save": []string{"model.lm_head.nothing", "lm_head"}}, nil},
		{"initialized otherwise", "layers", map[string]any{"init_lora_weights": "gaussian", "eva_config": map[string]any{"rho": 2}, "peft_version": "0.10.0"}, nil},
		{"no modules to save", "layers", map[string]any{"modules_to_save": []string{}, "layer_replication": []int{}, "lora_dtype": "float32"}, nil},
	} {
		want, err := lastLogits(t, "", loupe.Options{Adapter: filepath.Join(adapterDir, c.adapter)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := lastLogits(t, "", loupe.Options{Adapter: rewritten(t, c.adapter, c.config, c.change)})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if distance(got, want) != 0 {
			t.Errorf("%s: other logits", c.name)
		}
	}
}

// TestPatternsThatMatchNothing are told of: PEFT passes over them.
func TestPatternsThatMatchNothing(t *testing.T) {
	dir := rewritten(t, "layers", map[string]any{"alpha_pattern": map[string]int{"model.layers.0.self_attn.q_proj": 64, "q_proj": 4}}, nil)
	m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Adapter: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if told := strings.Join(m.Notes, "\n"); !strings.Contains(told, `alpha_pattern "model.layers.0.self_attn.q_proj"`) || strings.Contains(told, `"q_proj"`) {
		t.Errorf("notes %q", m.Notes)
	}
}

// TestAdapterInACheckpoint: where training left the adapter in checkpoint-20, the error says so, with a configuration above it and without.
func TestAdapterInACheckpoint(t *testing.T) {
	inner := rewritten(t, "layers", nil, nil)
	for _, above := range []bool{false, true} {
		dir := t.TempDir()
		if err := os.CopyFS(filepath.Join(dir, "checkpoint-20"), os.DirFS(inner)); err != nil {
			t.Fatal(err)
		}
		if above {
			config, err := os.ReadFile(filepath.Join(inner, weights.AdapterConfigName))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, weights.AdapterConfigName), config, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Adapter: dir})
		if err == nil || !strings.Contains(err.Error(), "checkpoint-20") {
			t.Errorf("configuration above: %v: error %v", above, err)
		}
	}
}

// TestWeightsBesideAnAdapter: weights that lie beside an adapter, and that PEFT does not read, are told of.
func TestWeightsBesideAnAdapter(t *testing.T) {
	dir := rewritten(t, "layers", nil, nil)
	for _, want := range []int{0, 1} {
		m, err := loupe.Load(filepath.Join("testdata", "golden", "model"), loupe.Options{Adapter: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		told := slices.DeleteFunc(slices.Clone(m.Notes), func(n string) bool { return !strings.Contains(n, "non_lora_state_dict.bin") })
		if len(told) != want {
			t.Errorf("notes %q", m.Notes)
		}
		if err := os.WriteFile(filepath.Join(dir, "non_lora_state_dict.bin"), []byte("PK"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
