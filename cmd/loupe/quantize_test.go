package main

import (
	"path/filepath"
	"testing"
)

// TestQuantize: the model that it writes answers as the precision does at load, and says so.
func TestQuantize(t *testing.T) {
	model, dir := filepath.Join(golden, "model"), filepath.Join(t.TempDir(), "int8")
	if out := ok(t, "", "quantize", "--model", model, "--precision", "int8", "--out", dir); out != "" {
		t.Errorf("it prints %q", out)
	}
	answer := func(args ...string) map[string]any {
		args = append([]string{"generate", "--json", "--max-tokens", "3", "--image", wave, "--max-pixels", "12544"}, args...)
		return decode(t, ok(t, "", append(args, "What is this?")...), "text", "tokens", "logprobs", "prompt_tokens", "finish", "logits_sha256", "precision")
	}
	atLoad, once := answer("--model", model, "--precision", "int8"), answer("--model", dir)
	if atLoad["logits_sha256"] != once["logits_sha256"] || once["precision"] != "int8" {
		t.Errorf("at load %v, once %v", atLoad, once)
	}
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"quantize", "--model", model, "--out", dir}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "bf16", "--out", dir + "2"}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "int8", "--group", "31", "--out", dir + "2"}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "int8"}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "int8", "--out", dir}, exitFailed},
		{[]string{"generate", "--model", dir, "--precision", "exact", "Hi"}, exitFailed},
	} {
		if r := start(t, "", c.args...); r.status != c.status || r.stdout != "" {
			t.Errorf("%v: exit %d, printed %q", c.args, r.status, r.stdout)
		}
	}
}
