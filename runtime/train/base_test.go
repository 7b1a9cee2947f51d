package train

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBaseOf: an adapter names its model so that it is found from another directory.
func TestBaseOf(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"":            "",
		"models/qwen": filepath.Join(here, "models", "qwen"),
		"../qwen/":    filepath.Join(filepath.Dir(here), "qwen"),
		"/hub/models--Qwen--Qwen2-VL-2B-Instruct/snapshots/895c3a49bc3fa70a340399125c650a463535e71c":  "Qwen/Qwen2-VL-2B-Instruct",
		"/hub/models--Qwen--Qwen2-VL-2B-Instruct/snapshots/895c3a49bc3fa70a340399125c650a463535e71c/": "Qwen/Qwen2-VL-2B-Instruct",
	} {
		if got := baseOf(dir); got != want && filepath.ToSlash(got) != want {
			t.Errorf("%q is named %q, want %q", dir, got, want)
		}
	}
}
