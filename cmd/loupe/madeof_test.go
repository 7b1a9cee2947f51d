package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemonstrationIsTold: what is merged, quantized or taught whole from the embedded model says so when it is loaded, however
// often it is written again, and its config.json is still one; a model of somebody's own says nothing of the kind.
func TestDemonstrationIsTold(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ok(t, "", "merge", "--dtype", "f32", "--out", at("merged"))
	ok(t, "", "merge", "--model", at("merged"), "--dtype", "bf16", "--out", at("again"))
	ok(t, "", "quantize", "--precision", "int8", "--out", at("int8"))
	ok(t, "", "quantize", "--model", at("again"), "--precision", "int4", "--out", at("int4"))
	ok(t, "", "merge", "--model", filepath.Join(golden, "model"), "--dtype", "f32", "--out", at("own"))
	for name, told := range map[string]bool{"merged": true, "again": true, "int8": true, "int4": true, "own": false} {
		r := start(t, "", "score", "--model", at(name))
		if name == "own" {
			r = start(t, "", "inspect", "--quick", "--model", at(name))
		}
		config, err := os.ReadFile(filepath.Join(at(name), "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if r.status != 0 || strings.Contains(r.stderr, "made of the embedded demonstration model") != told || strings.Count(string(config), `"loupe_demonstration": true`) > 1 || strings.Contains(string(config), "loupe_demonstration") != told {
			t.Errorf("%s: exit %d, %s\n%s", name, r.status, r.stderr, config)
		}
	}
}
