package trace_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/weights"
)

// TestInspectFiles: checkpoints that loupe cannot run are shown with the reason: another kind of model, a quantized one, one with
// a head of its own, an adapter, one file alone; and what is no safetensors file is an error.
func TestInspectFiles(t *testing.T) {
	golden := filepath.Join("..", "testdata", "golden", "model")
	packed := []weights.Named{
		weights.FromBytes("model.layers.0.mlp.up_proj.qweight", weights.I32, []int{8, 2}, make([]byte, 64)),
		weights.FromF16("model.layers.0.mlp.up_proj.scales", []int{1, 16}, make([]float32, 16)),
		weights.FromBytes("model.layers.0.mlp.down_proj.weight", weights.F8E4M3, []int{4, 4}, make([]byte, 16)),
		weights.FromBytes("model.layers.0.mlp.down_proj.weight_packed", weights.F4, []int{4, 4}, make([]byte, 8)),
	}
	head := []weights.Named{weights.FromF32("rm_head.0.weight", []int{2, 64}, make([]float32, 128))}
	for name, c := range map[string]struct {
		make    func(dir string) error
		part    string // one that must be counted
		reason  string
		tensors int
		config  bool
	}{
		"a head of its own": {func(dir string) error {
			if err := os.CopyFS(dir, os.DirFS(golden)); err != nil {
				return err
			}
			index, err := os.ReadFile(filepath.Join(dir, weights.IndexName))
			if err != nil {
				return err
			}
			index = []byte(strings.Replace(string(index), `"weight_map": {`, `"weight_map": {"rm_head.0.weight": "extra.safetensors",`, 1))
			if err := os.WriteFile(filepath.Join(dir, weights.IndexName), index, 0o644); err != nil {
				return err
			}
			return weights.Write(filepath.Join(dir, "extra.safetensors"), head, nil)
		}, "rm_head", `"rm_head.0.weight" has no place`, 82, true},
		"quantized": {func(dir string) error {
			config := `{"model_type": "qwen2_vl", "vision_config": {}, "quantization_config": {"quant_method": "awq"}}`
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
				return err
			}
			return weights.Write(filepath.Join(dir, weights.SingleName), packed, nil)
		}, "decoder", "quantized checkpoint (awq)", 4, true},
		"another model": {func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type": "bert"}`), 0o644); err != nil {
				return err
			}
			return weights.Write(filepath.Join(dir, weights.SingleName), head, nil)
		}, "rm_head", `model_type is "bert"`, 1, true},
		"without config": {func(dir string) error { return weights.Write(filepath.Join(dir, "x.safetensors"), head, nil) }, "rm_head", "config.json", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			_, why := loupe.Load(dir, loupe.Options{})
			if why == nil {
				t.Fatal("it loads")
			}
			for _, full := range []bool{false, true} {
				r, err := trace.InspectFiles(context.Background(), dir, why, full)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(r.CannotRun, c.reason) || len(r.Tensors) != c.tensors || (r.Config != nil) != c.config || (r.Digest != "") != full {
					t.Errorf("full %v: %q, %d tensors, config %v, digest %q", full, r.CannotRun, len(r.Tensors), r.Config, r.Digest)
				}
				counted := false
				for _, p := range r.Parts {
					counted = counted || p.Name == c.part && p.Parameters > 0
				}
				if !counted {
					t.Errorf("no part %s among %+v", c.part, r.Parts)
				}
				for _, x := range r.Tensors {
					if (x.Stats != nil) != (full && x.DType.HasStatistics()) || (x.SHA256 != "") != full {
						t.Errorf("full %v: %+v", full, x)
					}
				}
			}
		})
	}
	for name, data := range map[string]string{"broken.safetensors": "\x00\x01", "empty.txt": ""} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := trace.InspectFiles(context.Background(), dir, errors.New("why"), true); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	one, err := trace.InspectFiles(context.Background(), filepath.Join(golden, "model-00001-of-00002.safetensors"), errors.New("a file"), true)
	if err != nil || len(one.Tensors) == 0 {
		t.Errorf("one file: %v", err)
	}
}
