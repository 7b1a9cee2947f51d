//go:build cuda && linux && cgo

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// TestFakeGPUFails: what a GPU does wrong ends the work where nothing more can be computed, and one picture's error where more can; what
// was finished is kept.
func TestFakeGPUFails(t *testing.T) {
	cudatest.FakeOnly(t)
	fakeGPU(t)
	dir := t.TempDir()
	// The one in the middle is large, and the others are as small as they may be.
	pictures := []string{"pillow_palette_trns_64.png", "painting_hokusai_wave_928x514_progressive.png", "pillow_palette_trns_64.png"}
	var paths []string
	for _, p := range pictures {
		paths = append(paths, filepath.Join(golden, "pictures", p))
	}
	model := []string{"--model", filepath.Join(golden, "model"), "--head", insideHead}
	score := slices.Concat([]string{"score", "--json", "--max-pixels", "451584"}, model, onGPU, paths)
	small := slices.Concat([]string{"score", "--json", "--max-pixels", "3136"}, model, onGPU, paths)

	t.Run("a lost device ends score", func(t *testing.T) {
		whole := strings.SplitAfter(ok(t, "", small...), "\n")
		launches := 0 // of the first picture at the least, and not of all
		for n := 50; n < 5000 && launches == 0; n += 50 {
			t.Setenv("CUDASIM_FAIL", fmt.Sprintf("cuLaunchKernel:719:%d", n))
			if r := start(t, "", small...); strings.Count(r.stdout, "\n") == 1 {
				launches = n
			}
		}
		if launches == 0 {
			t.Fatal("no number of launches ends the work after the first picture")
		}
		r := start(t, "", small...)
		if r.status != exitFailed || r.stdout != whole[0] {
			t.Errorf("exit %d and %q; want the first line alone, %q", r.status, r.stdout, whole[0])
		}
		for _, want := range []string{"the device can compute nothing more", "unspecified launch failure", "Xid", "1 of 3 pictures are done", pictures[1] + " and those after it"} {
			if !strings.Contains(r.stderr, want) {
				t.Errorf("it does not say %q: %s", want, r.stderr)
			}
		}
	})
	for _, precision := range []string{"exact", "bf16", "int8"} {
		if precision != "exact" && os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for the other precisions")
			break
		}
		t.Run("a large picture is that picture's error, "+precision, func(t *testing.T) { largePicture(t, append(score, "--precision", precision)) })
	}
	t.Run("a lost device ends eval, bench and verify", func(t *testing.T) {
		data := filepath.Join(dir, "records.jsonl")
		var text strings.Builder
		for i, p := range paths {
			absolute, err := filepath.Abs(p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "{\"image\": %q, \"score\": %d}\n", absolute, 20+20*i)
		}
		if err := os.WriteFile(data, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		log := filepath.Join(dir, "audits")
		ok(t, "", slices.Concat([]string{"score", "--audit", log, "--max-pixels", "3136", paths[0]}, model)...)
		for _, args := range [][]string{
			slices.Concat([]string{"eval", "--json", "--data", data, "--max-pixels", "3136"}, model, onGPU),
			slices.Concat([]string{"verify", log}, onGPU),
		} {
			var r result
			for n := 20; n < 2000; n += 20 { // while the weights are placed it is another error
				t.Setenv("CUDASIM_FAIL", fmt.Sprintf("cuLaunchKernel:700:%d", n))
				if r = start(t, "", args...); !strings.Contains(r.stderr, "load model") {
					break
				}
			}
			if r.status != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, "illegal memory access") || strings.Contains(r.stderr, "differ") {
				t.Errorf("%s: exit %d, %q: %s", args[0], r.status, r.stdout, r.stderr)
			}
			if args[0] == "eval" && !strings.Contains(r.stderr, " of 3 records are done") {
				t.Errorf("eval goes on: %s", r.stderr)
			}
		}
	})
}

// TestFakeGPUTrainFails: training that a device ends keeps its last checkpoint, says how to go on, and comes to the same bytes.
func TestFakeGPUTrainFails(t *testing.T) {
	cudatest.FakeOnly(t)
	fakeGPU(t)
	dir := t.TempDir()
	absolute, err := filepath.Abs(filepath.Join(golden, "pictures", "pillow_palette_trns_64.png"))
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "records.jsonl")
	if err := os.WriteFile(data, []byte(fmt.Sprintf("{\"image\": %q, \"score\": 81}\n", absolute)), 0o644); err != nil {
		t.Fatal(err)
	}
	train := func(out string, more ...string) result {
		return start(t, "", append([]string{"train", "--model", filepath.Join(golden, "model"), "--max-pixels", "3136", "--data", data, "--eval-split", "0", "--lora-rank", "1", "--batch", "1", "--steps", "3", "--checkpoint-every", "1", "--out", out}, more...)...)
	}
	whole, broken := filepath.Join(dir, "whole"), filepath.Join(dir, "broken")
	if r := train(whole); r.status != 0 {
		t.Fatal(r.stderr)
	}
	saved := func() []string {
		steps, _ := filepath.Glob(filepath.Join(broken, "checkpoints", "*"))
		return steps
	}
	for n := 200; ; n += 150 {
		if n > 50000 {
			t.Fatal("no number of launches ends it after its first step")
		}
		t.Setenv("CUDASIM_FAIL", fmt.Sprintf("cuLaunchKernel:714:%d", n))
		r := train(broken, onGPU...)
		if r.status == 0 {
			t.Fatalf("%d launches are the whole of it", n)
		}
		if len(saved()) == 0 {
			if strings.Contains(r.stderr, "is saved in") || !strings.Contains(r.stderr, "(error 714 of the driver)") {
				t.Errorf("nothing is saved, and it says %s", r.stderr)
			}
			os.RemoveAll(broken)
			continue
		}
		for _, want := range []string{"the device can compute nothing more", "is saved in " + saved()[len(saved())-1], "--resume"} {
			if r.status != exitFailed || !strings.Contains(r.stderr, want) {
				t.Errorf("exit %d, and it does not say %q: %s", r.status, want, r.stderr)
			}
		}
		break
	}
	t.Setenv("CUDASIM_FAIL", "")
	if r := train(broken, append([]string{"--resume"}, onGPU...)...); r.status != 0 {
		t.Fatal(r.stderr)
	}
	for _, f := range []string{"adapter_model.safetensors", "score_head.safetensors", "optimizer.safetensors"} {
		if digestOfFile(t, filepath.Join(whole, f)) != digestOfFile(t, filepath.Join(broken, f)) {
			t.Errorf("%s is another than that of the processor", f)
		}
	}
}

// largePicture scores three pictures while somebody else takes the GPU's memory, so that the second, a large one, finds none. An allocation
// is tried four times, since the collector may find some.
func largePicture(t *testing.T, score []string) {
	cudatest.FakeOnly(t)
	whole := strings.SplitAfter(ok(t, "", score...), "\n")
	try := func(n int) (result, []string) {
		t.Setenv("CUDASIM_FAIL", fmt.Sprintf("cuMemAlloc_v2:2:%d:4", n))
		r := start(t, "", score...)
		return r, strings.SplitAfter(r.stdout, "\n")
	}
	const stride = 32
	first := stride // about the last allocation while the model is loaded
	for r, _ := try(first); strings.Contains(r.stderr, "load model"); r, _ = try(first) {
		first += stride
	}
	for n := first - stride; n < first+2*stride; n++ {
		r, lines := try(n)
		if len(lines) != 4 || !strings.Contains(lines[1], "error") || strings.Contains(lines[0]+lines[2], "error") {
			continue // the model, or another picture
		}
		if lines[0] != whole[0] || lines[2] != whole[2] {
			t.Errorf("without memory for the one the others are\n%s%s, want\n%s%s", lines[0], lines[2], whole[0], whole[2])
		}
		if !strings.Contains(lines[1], "device memory are needed") || !strings.Contains(lines[1], "--max-pixels") || r.status != exitFailed || !strings.Contains(r.stderr, "1 of 3 pictures could not be scored") {
			t.Errorf("exit %d: %s%s", r.status, lines[1], r.stderr)
		}
		return
	}
	t.Error("no allocation is that of the large picture alone")
}
