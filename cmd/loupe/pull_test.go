package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cached is a cache of models that holds the committed checkpoint as owner/model, as huggingface_hub lays it out.
func cached(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const commit = "0123456789abcdef0123456789abcdef01234567"
	repo := filepath.Join(dir, "models--owner--model")
	snapshot := filepath.Join(repo, "snapshots", commit)
	for _, d := range []string{snapshot, filepath.Join(repo, "refs")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(repo, "refs", "main"), []byte(commit), 0o666); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(golden, "model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		at, err := filepath.Abs(filepath.Join(golden, "model", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(at, filepath.Join(snapshot, f.Name())); err != nil {
			t.Skip(err)
		}
	}
	return dir
}

// TestModelByName: a model of the cache is found by its name by every flag that takes a directory, and one that is not there is refused in
// words that say how to fetch it. Nothing is asked of the network.
func TestModelByName(t *testing.T) {
	dir := cached(t)
	run := func(args ...string) (string, error) {
		cmd := program(args...)
		cmd.Env = append(cmd.Env, "HF_HUB_CACHE="+dir, "HF_ENDPOINT=http://127.0.0.1:1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	want, err := run("generate", "--model", filepath.Join(golden, "model"), "--max-tokens", "3", "--json", "hi")
	if err != nil {
		t.Fatal(want, err)
	}
	for _, name := range []string{"owner/model", "owner/model@main", "owner/model@0123456"} {
		if got, err := run("generate", "--model", name, "--max-tokens", "3", "--json", "hi"); err != nil || got != want {
			t.Errorf("%s: %v, %s", name, err, got)
		}
	}
	if out, err := run("inspect", "--quick", "owner/model"); err != nil || !strings.Contains(out, "tensor") {
		t.Errorf("inspect: %v, %s", err, out)
	}
	for _, flag := range []string{"--model", "--adapter", "--head"} {
		out, err := run("generate", flag, "owner/other", "hi")
		if err == nil || !strings.Contains(out, flag) || !strings.Contains(out, "loupe pull owner/other") {
			t.Errorf("%s: %v, %s", flag, err, out)
		}
	}
	if out, err := run("pull", "owner"); exitStatus(err) != exitUsage || !strings.Contains(out, "OWNER/NAME") {
		t.Errorf("pull without a name: %v, %s", err, out)
	}
}

func exitStatus(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return 0
}
