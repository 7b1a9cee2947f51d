//go:build cuda && linux && cgo

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// onGPU are the arguments that a model of the tests is computed with on a GPU, or the fake driver's.
var onGPU = []string{"--device", "cuda"}

// fakeGPU makes the fake driver that of the programs that a test starts.
func fakeGPU(t *testing.T) {
	t.Helper()
	cudatest.Driver(t, filepath.Join("..", "..", "kernels", "cuda"))
}

// deviceKey is what results say of a GPU beside what they say on a CPU, and figures of a machine.
var deviceKey = regexp.MustCompile(`,?"device":\{[^}]*\}|,"(tokens_per_s|rss_bytes)":[^,}]*`)

// TestFakeGPUCommands: every command that loads a model prints and writes on a GPU what it does on the CPU, to the byte, but for naming the
// device; and each names it.
func TestFakeGPUCommands(t *testing.T) {
	fakeGPU(t)
	dir := t.TempDir()
	base := []string{"--model", filepath.Join(golden, "model"), "--head", insideHead, "--max-pixels", "3136"}
	picture := append(slices.Clone(base), "--image", wave, "Score this painting.")
	data := filepath.Join(dir, "records.jsonl")
	pictures, err := filepath.Glob(filepath.Join(golden, "pictures", "*"))
	if err != nil || len(pictures) < 3 {
		t.Fatal(len(pictures), err)
	}
	var records strings.Builder
	for i, p := range pictures[:3] {
		absolute, err := filepath.Abs(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&records, "{\"image\": %q, \"score\": %d, \"critique\": \"Vivid.\"}\n", absolute, 20+25*i)
	}
	if err := os.WriteFile(data, []byte(records.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		out  string // a kind of file that it writes; "dir" for a folder, "" for nothing
		long bool
		says string // what names the device in what it prints; "" for the key device
	}{
		{"generate", append([]string{"generate", "--json", "--max-tokens", "3"}, picture...), "", false, ""},
		{"score", append([]string{"score", "--json", "--critique", "--max-tokens", "2", wave}, base...), "", false, ""},
		{"trace", append([]string{"trace", "--json", "--tap", "*", "--grad", "score"}, picture...), ".safetensors", true, ""},
		{"trace of a logit", append([]string{"trace", "--json", "--tap", "model.layers.*", "--grad", "logit", "--steps", "1"}, picture...), ".safetensors", false, ""},
		{"attend", append([]string{"attend", "--method", "relevance"}, picture...), ".safetensors", true, "-"},
		{"attend by gradients", append([]string{"attend", "--method", "integrated", "--steps", "2"}, picture...), ".safetensors", true, "-"},
		{"attend in rows", append([]string{"attend", "--method", "raw", "--json"}, picture...), "", false, "-"},
		{"lens", append([]string{"lens", "--what", "logit", "--json", "--positions", "-1"}, picture...), "", false, "-"},
		{"lens of words", append([]string{"lens", "--what", "words", "--json"}, picture...), "", true, "-"},
		{"lens of likeness", append([]string{"lens", "--what", "cka", "--json"}, picture...), "", false, "-"},
		{"lens of components", append([]string{"lens", "--what", "direct", "--json"}, picture...), "", true, "-"},
		{"train", append([]string{"train", "--data", data, "--steps", "2", "--lora-rank", "2", "--batch", "1", "--eval-split", "0", "--json"}, base...), "dir", true, ""},
		{"fit a head", []string{"train", "--model", filepath.Join(golden, "model"), "--max-pixels", "3136", "--data", data, "--head-only", "--eval-split", "0", "--json"}, "dir", false, ""},
		{"eval", append([]string{"eval", "--data", data, "--json"}, base...), "", true, ""},
		{"inspect", append([]string{"inspect", "--quick", "--json"}, base[:2]...), "", false, ""},
	} {
		onHost := []string{"attend", "attend in rows", "lens of words", "fit a head"} // in part
		t.Run(c.name, func(t *testing.T) {
			if c.long && os.Getenv("LOUPE_LONG") != "1" {
				t.Skip("set LOUPE_LONG=1")
			}
			t.Parallel()
			run := func(where string, more ...string) (printed string, written map[string]string) {
				args, out := slices.Concat(c.args, more), filepath.Join(t.TempDir(), where+c.out)
				if c.out != "" {
					args = append(args, "--out", out)
				}
				r := start(t, "", args...)
				if r.status != 0 {
					t.Fatalf("loupe %s: exit %d: %s", strings.Join(args, " "), r.status, r.stderr)
				}
				if says := strings.Contains(r.stderr, "computed on the CPU"); says != (where == "gpu" && slices.Contains(onHost, c.name)) {
					t.Errorf("what is computed on the CPU: %s", r.stderr)
				}
				written = map[string]string{}
				files := []string{out}
				if c.out == "dir" {
					files, _ = filepath.Glob(filepath.Join(out, "*.safetensors"))
				}
				for _, f := range files {
					if c.out != "" {
						for tensor, sum := range tensorDigests(t, f) {
							written[filepath.Ext(f)+tensor] = sum
						}
					}
				}
				return r.stdout, written
			}
			want, wrote := run("cpu")
			got, writes := run("gpu", onGPU...)
			if strings.Contains(want, `"device"`) {
				t.Errorf("a CPU is named: %s", want)
			}
			if says := c.says; says != "-" && !strings.Contains(got, `"device":{"kind":"cuda","name":"`) {
				t.Errorf("the GPU is not named: %s", got)
			}
			clean := func(s string) string {
				return regexp.MustCompile(`"notes":\[[^]]*\],?`).ReplaceAllString(deviceKey.ReplaceAllString(s, ""), "")
			}
			if d := cmp.Diff(clean(want), clean(got)); d != "" {
				t.Errorf("(-CPU +GPU)\n%s", d)
			}
			if d := cmp.Diff(wrote, writes); d != "" {
				t.Errorf("tensors (-CPU +GPU)\n%s", d)
			}
			if c.out != "" && len(slices.Collect(maps.Keys(wrote))) == 0 {
				t.Error("nothing is written")
			}
		})
	}
}

// TestFakeGPURecords: a decision that a GPU made is replayed to the bit without one, and the other way round, in each precision; its record
// says which device made it.
func TestFakeGPURecords(t *testing.T) {
	fakeGPU(t)
	dir := t.TempDir()
	model := []string{"--model", filepath.Join(golden, "model"), "--head", insideHead, "--max-pixels", "3136"}
	for i, precision := range precisions {
		if i > 0 && os.Getenv("LOUPE_LONG") != "1" {
			t.Log("set LOUPE_LONG=1 for the other precisions")
			break
		}
		log := filepath.Join(dir, precision)
		decide := slices.Concat([]string{"score", "--critique", "--max-tokens", "2", "--audit", log, "--precision", precision, wave}, model)
		for _, args := range [][]string{decide, append(decide, onGPU...)} {
			if r := start(t, "", args...); r.status != 0 {
				t.Fatal(r.stderr)
			}
		}
		for _, where := range [][]string{nil, onGPU} {
			r := start(t, "", append([]string{"verify", log}, where...)...)
			if r.status != 0 || r.stdout != "entry 0: identical\nentry 1: identical\n" {
				t.Errorf("%s, verify %v: exit %d\n%s%s", precision, where, r.status, r.stdout, r.stderr)
			}
		}
		for entry, want := range []bool{false, true} {
			shown := ok(t, "", "audit", "show", log, fmt.Sprint(entry))
			if got := regexp.MustCompile(`"device": \{\s+"arch": "sm_\d+",\s+"driver": "[\d.]+",(\s+"driver_library": "[^"]+",)?\s+"kind": "cuda",\s+"name": "[^"]+"`).MatchString(shown); got != want || strings.Contains(shown, `"device"`) != want {
				t.Errorf("%s, entry %d: %s", precision, entry, shown)
			}
		}
		if list := ok(t, "", "audit", "list", log); strings.Count(list, "("+precision+", ") != 1 {
			t.Errorf("the list does not name the GPU once:\n%s", list)
		}
	}
	t.Run("bf16-mma", func(t *testing.T) { mmaRecords(t, model) })
	log := filepath.Join(dir, precisions[0])
	for _, c := range []struct {
		name, variable, value string
		args                  []string
		want                  string
	}{
		{"no driver", cudatest.Variable, "libnosuchcuda.so.1", onGPU, "cannot load the NVIDIA driver library"},
		{"no second GPU", "", "", []string{"--device", "cuda:9"}, "there is no GPU cuda:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.variable != "" {
				cudatest.FakeOnly(t)
				t.Setenv(c.variable, c.value)
			}
			r := start(t, "", append([]string{"verify", log}, c.args...)...)
			if r.status != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "differ") {
				t.Errorf("exit %d, %q: %s", r.status, r.stdout, r.stderr)
			}
		})
	}
}
