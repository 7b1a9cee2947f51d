//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// TestTrainTerminated: SIGTERM in the middle of a run writes a checkpoint and ends with status 0, Ctrl-C with status 1 and a
// line; both go on with --resume to what an undisturbed run gives.
func TestTrainTerminated(t *testing.T) {
	dir := t.TempDir()
	if err := paint.Write(context.Background(), dir, 6, 4, nil); err != nil {
		t.Fatal(err)
	}
	args := func(out string, more ...string) []string {
		return append([]string{"train", "--model", filepath.Join(golden, "model"), "--max-pixels", "3136", "--data", filepath.Join(dir, paint.DataName), "--lora-rank", "2",
			"--steps", "60", "--batch", "2", "--eval-split", "0", "--out", filepath.Join(dir, out)}, more...)
	}
	ok(t, "", args("whole")...)
	want := adapterBytes(t, filepath.Join(dir, "whole"))
	for name, c := range map[string]struct {
		signal syscall.Signal
		status int
	}{"terminated": {syscall.SIGTERM, 0}, "what's interrupted": {syscall.SIGINT, 1}} {
		out := filepath.Join(dir, name)
		cmd := program(args(name)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 3000 { // until a few steps are taken
			if log, err := os.ReadFile(filepath.Join(out, "log.jsonl")); err == nil && bytes.Count(log, []byte("\n")) > 2 {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != c.status || c.status == 1 && (!strings.Contains(stderr.String(), "loupe: interrupted: step ") || !strings.Contains(stderr.String(), out) || !strings.Contains(stderr.String(), "--resume")) {
			t.Errorf("%s: exit %d: %s", name, status, stderr.String())
		}
		if left, _ := filepath.Glob(filepath.Join(out, "checkpoints", "step-*")); len(left) != 1 {
			t.Errorf("%s: checkpoints %v", name, left)
		}
		if _, err := os.Stat(filepath.Join(out, "adapter_model.safetensors")); err == nil {
			t.Errorf("%s: the run was at its end already", name)
		}
		// What it says is saved is there, and the command that it prints goes on, as it stands.
		said := regexp.MustCompile("step [0-9]+ is saved in (.*?); go on with `(loupe train .*--resume)`").FindStringSubmatch(stderr.String())
		if said == nil {
			t.Fatalf("%s: it does not say how to go on: %s", name, stderr.String())
		}
		if left, _ := filepath.Glob(filepath.Join(out, "checkpoints", "step-*")); len(left) != 1 || left[0] != said[1] {
			t.Errorf("%s: it says that %s is saved, and there is %v", name, said[1], left)
		}
		if printed, err := shellOf(t, ".")(said[2]).CombinedOutput(); err != nil {
			t.Fatalf("%s\n%v: %s", said[2], err, printed)
		}
		if !bytes.Equal(adapterBytes(t, out), want) {
			t.Errorf("%s: the adapter differs from that of an undisturbed run", name)
		}
	}
}

// TestTrainUsage: what cannot be meant is status 2, by the name of the flag.
func TestTrainUsage(t *testing.T) {
	for flag, args := range map[string][]string{
		"--data":           {"train", "--out", "o"},
		"--score-loss":     {"train", "--data", "d", "--out", "o", "--score-loss", "cubic"},
		"--dry-run":        {"train", "--shape", "7b"},
		"--shape":          {"train", "--dry-run", "--shape", "9b"},
		"--picture-tokens": {"train", "--dry-run", "--shape", "7b", "--picture-tokens", "0"},
		"--dtype":          {"merge", "--out", "o", "--dtype", "int3"},
		"--out":            {"merge", "--adapter", "a"},
	} {
		if r := start(t, "", args...); r.status != 2 || !strings.Contains(r.stderr, flag) {
			t.Errorf("%v: exit %d: %s", args, r.status, r.stderr)
		}
	}
	plan := ok(t, "", "train", "--dry-run", "--shape", "2b", "--lora-rank", "16")
	for _, part := range []string{"weights", "4.42 GB", "peak", "1024 patches"} {
		if !strings.Contains(plan, part) {
			t.Errorf("the plan has no %q: %s", part, plan)
		}
	}
}
