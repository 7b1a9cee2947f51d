package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrors: what went wrong is one line on standard error that names it, nothing is on standard output, and the status
// tells a wrong command line from work that failed.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := write("text.jpg", "no picture")
	unknownTap := write("tap.json", `[{"tap": "model.layers.99.out", "op": "zero"}]`)
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string // part of the error
	}{
		{"unknown command", []string{"paint"}, 2, "paint"},
		{"unknown flag", []string{"score", "--colour"}, 2, "--colour"},
		{"two prompts", []string{"generate", "a", "b"}, 2, "generate"},
		{"negative temperature", []string{"generate", "--temperature", "-1", "hi"}, 2, "--temperature"},
		{"temperature that is no number", []string{"generate", "--temperature", "warm", "hi"}, 2, "--temperature"},
		{"top-p above 1", []string{"generate", "--top-p", "2", "hi"}, 2, "--top-p"},
		{"no threads", []string{"score", "--threads", "0"}, 2, "--threads"},
		{"unknown precision", []string{"score", "--precision", "fp8"}, 2, "--precision"},
		{"unknown kernels", []string{"generate", "--kernels", "sse", "hi"}, 2, "--kernels \"sse\""},
		{"no such adapter", []string{"generate", "--adapter", "nowhere", "hi"}, 1, "adapter_config.json"},
		{"trace without out", []string{"trace", "--tap", "lm_head", "hi"}, 2, "--out"},
		{"trace without tap", []string{"trace", "--out", filepath.Join(dir, "x.npz"), "hi"}, 2, "--tap"},
		{"trace to an unknown kind", []string{"trace", "--tap", "lm_head", "--out", filepath.Join(dir, "x.txt"), "hi"}, 1, "x.txt"},
		{"trace of no such tap", []string{"trace", "--tap", "model.layers.99.*", "--out", filepath.Join(dir, "x.npz"), "hi"}, 1, "model.layers.99.*"},
		{"intervention at no such tap", []string{"trace", "--tap", "lm_head", "--intervene", unknownTap, "--out", filepath.Join(dir, "x.npz"), "hi"}, 1, "model.layers.99.out"},
		{"nothing to ask", []string{"generate", "--model", filepath.Join(golden, "model")}, 1, "nothing to ask"},
		{"no such model", []string{"generate", "--model", filepath.Join(dir, "nowhere"), "hi"}, 1, "nowhere"},
		{"a file for a model", []string{"generate", "--model", text, "hi"}, 1, "text.jpg"},
		{"an empty model", []string{"inspect", t.TempDir()}, 1, "config.json"},
		{"no head", []string{"score", "--model", filepath.Join(golden, "model"), wave}, 1, "score_head.json"},
		{"a text for a picture", []string{"generate", "--image", text, "hi"}, 1, "text.jpg"},
		{"no such picture", []string{"generate", "--image", filepath.Join(dir, "nowhere.png"), "hi"}, 1, "nowhere.png"},
		{"a picture from the network", []string{"generate", "--image", "https://example.org/a.png", "hi"}, 1, "download"},
		{"a picture too many", []string{"generate", "--messages", write("m.json", `[{"role": "user", "content": "hi"}]`), "--image", wave}, 1, "--image"},
		{"an empty directory to score", []string{"score", t.TempDir()}, 1, "holds no pictures"},
		{"ids that are no numbers", []string{"tokenize", "--decode"}, 1, "standard input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, "one two", c.args...)
			if r.status != c.status {
				t.Errorf("exit %d, want %d", r.status, c.status)
			}
			lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
			last := lines[len(lines)-1]
			if r.stdout != "" && c.args[0] != "score" {
				t.Errorf("standard output holds %q", r.stdout)
			}
			if c.name != "no head" && (!strings.HasPrefix(last, "loupe: ") || !strings.Contains(last, c.want)) {
				t.Errorf("error is %q, want one with %q", r.stderr, c.want)
			}
			for _, line := range lines[:len(lines)-1] {
				if !strings.HasPrefix(line, "note: ") {
					t.Errorf("more than one line of error: %q", line)
				}
			}
		})
	}
}
