package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
		{[]string{"quantize", "--model", model, "--precision", "int4", "--group", "96", "--out", dir + "2"}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "int8"}, exitUsage},
		{[]string{"quantize", "--model", model, "--precision", "int8", "--out", dir}, exitFailed},
		{[]string{"generate", "--model", dir, "--precision", "exact", "Hi"}, exitFailed},
	} {
		if r := start(t, "", c.args...); r.status != c.status || r.stdout != "" {
			t.Errorf("%v: exit %d, printed %q", c.args, r.status, r.stdout)
		}
	}
}

// TestQuantizeGroup: without --group a file has the precision's groups, and with it those that it names, 0 too.
func TestQuantizeGroup(t *testing.T) {
	for i, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--precision", "int8"}, `"loupe.int8.group":"128"`},
		{[]string{"--precision", "int8", "--group", "0"}, `"loupe.int8.group":"0"`},
		{[]string{"--precision", "int8", "--group", "64"}, `"loupe.int8.group":"64"`},
		{[]string{"--precision", "int4"}, `"loupe.int4.group":"32","loupe.int8.group":"128"`},
		{[]string{"--precision", "int4", "--group", "0"}, `"loupe.int4.group":"0","loupe.int8.group":"128"`},
	} {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(i))
		ok(t, "", append([]string{"quantize", "--model", filepath.Join(golden, "model"), "--out", dir}, c.args...)...)
		data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if header := string(data[:min(len(data), 1<<16)]); !strings.Contains(header, c.want) {
			t.Errorf("%v: the header lacks %s: %.300q", c.args, c.want, header[8:])
		}
	}
}
