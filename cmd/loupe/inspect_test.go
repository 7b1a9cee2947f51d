package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInspectForeign: a checkpoint that loupe cannot run is shown all the same, with the reason on both streams; so is one file of it,
// and what is broken is an error.
func TestInspectForeign(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(golden, "model"))); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), `"model_type": "qwen2_vl"`, `"model_type": "qwen2_5_vl"`, 1)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil || text == string(data) {
		t.Fatal("the configuration has not changed", err)
	}
	r := start(t, "", "inspect", dir)
	if r.status != 0 || !strings.Contains(r.stdout, "model.norm.weight") || !strings.Contains(r.stdout, `model_type is "qwen2_5_vl"`) || !strings.Contains(r.stderr, "loupe cannot run this checkpoint") {
		t.Errorf("%+v", r)
	}
	report := decode(t, ok(t, "", "inspect", "--quick", "--json", filepath.Join(dir, "model-00001-of-00002.safetensors")), "model", "cannot_run", "kernels", "precision", "config", "parts", "tensors")
	if len(report["tensors"].([]any)) == 0 {
		t.Error("no tensors of one file")
	}
	if err := os.WriteFile(filepath.Join(dir, "model-00001-of-00002.safetensors"), []byte("version https://git-lfs.github.com/spec/v1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := start(t, "", "inspect", dir); r.status != 1 {
		t.Errorf("of a broken file: %+v", r)
	}
}
