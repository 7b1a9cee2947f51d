package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights"
)

func TestGenerate(t *testing.T) {
	model := filepath.Join(golden, "model")
	args := []string{"generate", "--model", model, "--image", wave, "--max-tokens", "5", "What is this?"}
	text := ok(t, "", args...)
	keys := []string{"text", "tokens", "logprobs", "prompt_tokens", "finish", "score?", "logits_sha256", "precision"}
	got := decode(t, ok(t, "", append(args, "--json")...), keys...)
	if got["text"].(string) != strings.TrimSuffix(text, "\n") {
		t.Errorf("the text is %q, and with --json %q", text, got["text"])
	}
	if n := len(got["tokens"].([]any)); n != 5 || n != len(got["logprobs"].([]any)) || got["finish"] != "length" {
		t.Errorf("%v", got)
	}
	for _, more := range [][]string{{"--threads", "1"}, {"--kernels", "generic"}} {
		again := decode(t, ok(t, "", append(append(args, "--json"), more...)...), keys...)
		if again["logits_sha256"] != got["logits_sha256"] {
			t.Errorf("%v gives other bits", more)
		}
	}
}

// TestSampling: one seed draws one answer, another draws another.
func TestSampling(t *testing.T) {
	draw := func(seed string) string {
		return ok(t, "", "generate", "--temperature", "2", "--seed", seed, "--max-tokens", "12", "Paint.")
	}
	first := draw("1")
	if again := draw("1"); again != first {
		t.Errorf("one seed gives %q and %q", first, again)
	}
	if draw("2") == first {
		t.Error("two seeds give one answer")
	}
}

// TestScore scores good pictures beside bad ones: each has its line, and the status says that something failed.
func TestScore(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile(wave)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"a.png": good, "b.png": good[:500], "c.png": good, "notes.txt": []byte("not a picture")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, "", "score", "--json", dir)
	if r.status != 1 {
		t.Errorf("exit %d, want 1", r.status)
	}
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines for 3 pictures: %s", len(lines), r.stdout)
	}
	first := decode(t, lines[0], "image", "score", "targets", "raw", "precision")
	bad := decode(t, lines[1], "image", "error")
	last := decode(t, lines[2], "image", "score", "targets", "raw", "precision")
	if !strings.Contains(bad["error"].(string), "b.png") {
		t.Errorf("the error does not name the picture: %v", bad)
	}
	if s := first["score"].(float64); s < 1 || s > 100 || s != last["score"] {
		t.Errorf("one picture scores %v and %v", s, last["score"])
	}
	one := decode(t, ok(t, "", "score", "--critique", "--max-tokens", "4", "--json", filepath.Join(dir, "a.png")), "image", "score", "targets", "raw", "critique", "precision")
	if one["score"] != first["score"] {
		t.Errorf("with a critique the score is %v, and %v without", one["score"], first["score"])
	}
	table := ok(t, "", "score", filepath.Join(dir, "a.png"))
	if !strings.HasPrefix(table, "image") || !strings.Contains(table, "a.png") {
		t.Errorf("the table is %q", table)
	}
}

func TestTokenize(t *testing.T) {
	text := "Grüße, 世界 <|im_end|>\n\x00"
	ids := ok(t, text, "tokenize")
	if back := ok(t, ids, "tokenize", "--decode"); back != text {
		t.Errorf("%q came back as %q", text, back)
	}
	decode(t, ok(t, text, "tokenize", "--json"), "ids", "tokens")
	if r := start(t, "ab\xff", "tokenize"); r.status != 1 || !strings.Contains(r.stderr, "2") {
		t.Errorf("invalid UTF-8 at byte 2: exit %d, %s", r.status, r.stderr)
	}
}

func TestInspect(t *testing.T) {
	report := decode(t, ok(t, "", "inspect", filepath.Join(golden, "model"), "--json"), "model", "kernels", "precision", "config", "parts", "digest", "tensors")
	tensors := report["tensors"].([]any)
	if len(tensors) < 50 || len(report["digest"].(string)) != 64 {
		t.Errorf("%d tensors, digest %v", len(tensors), report["digest"])
	}
	for _, key := range []string{"name", "dtype", "shape", "sha256", "stats"} {
		if _, there := tensors[0].(map[string]any)[key]; !there {
			t.Errorf("a tensor has no %q: %v", key, tensors[0])
		}
	}
}

// TestTrace writes the same taps to each kind of file, and lists them.
func TestTrace(t *testing.T) {
	dir := t.TempDir()
	args := []string{"trace", "--model", filepath.Join(golden, "model"), "--image", wave, "--tap", "visual.merger", "--tap", "*.self_attn.probs", "--steps", "2", "Look."}
	for _, name := range []string{"t.safetensors", "t.npz", "t"} {
		if out := ok(t, "", append(args, "--out", filepath.Join(dir, name))...); out != "" {
			t.Errorf("%s: standard output holds %q", name, out)
		}
	}
	f, err := weights.Open(filepath.Join(dir, "t.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := 0
	for _, tensor := range f.Tensors() {
		names++
		npy, err := os.ReadFile(filepath.Join(dir, "t", filepath.FromSlash(tensor.Name)+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(npy), string(tensor.Data)) {
			t.Errorf("%s differs between safetensors and npy", tensor.Name)
		}
	}
	for _, want := range []string{"input_ids", "position_ids", "rope_delta", "image_grid_thw", "visual.merger", "model.layers.2.self_attn.probs", "steps.2/model.layers.0.self_attn.probs"} {
		if _, err := f.Tensor(want); err != nil {
			t.Error(err)
		}
	}
	if names < 13 {
		t.Errorf("%d tensors", names)
	}
	list := ok(t, "", "trace", "--list", "--json", "--model", filepath.Join(golden, "model"), "hi")
	for line := range strings.Lines(list) {
		var tap struct {
			Tap   string
			Shape []int
		}
		if err := json.Unmarshal([]byte(line), &tap); err != nil || tap.Tap == "" || len(tap.Shape) < 2 {
			t.Errorf("%q: %v", line, err)
		}
	}
}
