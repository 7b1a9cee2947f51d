package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights"
)

// ledgerFixture is a model with inputs: a golden directory, or, without one, the embedded model.
type ledgerFixture struct {
	name, dir string
	head      string // a directory of score_head.*
	pictures  string // where the pictures of its cases lie
	extension string // of the two pictures that it learns from
}

// precisions are those of every build.
var precisions = []string{"exact", "bf16", "int8", "int4"}

// enter computes everything that the ledger has of a fixture.
func (f *ledgerFixture) enter(t *testing.T, l ledger) {
	if f.dir == "" {
		f.embedded(t, l)
		return
	}
	model := []string{"--model", filepath.Join(f.dir, "model"), "--head", f.head}
	for _, name := range []string{"text", "image", "two_images", "odd_images", "video", "image_and_video"} {
		for _, precision := range precisions {
			args := slices.Concat([]string{"generate", "--precision", precision, "--max-tokens", "4", "--json"}, model, f.input(t, name))
			l.put(t, f.name+"/logits", precision+"/"+name, field(t, ok(t, "", args...), "logits_sha256"))
		}
	}
	for _, precision := range precisions {
		args := slices.Concat([]string{"score", "--precision", precision, "--json"}, model, f.twoPictures())
		for i, line := range strings.Split(strings.TrimSpace(ok(t, "", args...)), "\n") {
			l.put(t, f.name+"/score", fmt.Sprintf("%s/%d", precision, i), digest([]byte(field(t, line, "raw"))))
		}
	}
	dir := t.TempDir()
	for target, name := range map[string]string{"score": "image", "logit": "image_and_video"} {
		file := filepath.Join(dir, target+".safetensors")
		ok(t, "", slices.Concat([]string{"trace", "--tap", "*", "--grad", target, "--out", file}, model, f.input(t, name))...)
		for tensor, d := range tensorDigests(t, file) {
			l.put(t, f.name+"/taps", name+"/"+target+"/"+tensor, d)
		}
	}
	f.training(t, l, dir)
	f.inside(t, l, model, dir)
	for _, c := range [][]string{{"int8"}, {"int4"}, {"int8", "--group", "64"}, {"int4", "--group", "64", "--zero-points"}} {
		out := filepath.Join(dir, "quantized-"+strings.Join(c, ""))
		ok(t, "", append([]string{"quantize", "--model", filepath.Join(f.dir, "model"), "--out", out, "--precision"}, c...)...)
		l.put(t, f.name+"/quantize", strings.Join(c, ""), digestOfFile(t, filepath.Join(out, "model.safetensors")))
	}
}

// training enters what six steps make of the model, in each way of learning, and a merged adapter.
func (f *ledgerFixture) training(t *testing.T, l ledger, dir string) {
	data := filepath.Join(dir, "records.jsonl")
	pictures := f.twoPictures()
	text := fmt.Sprintf("{\"image\": %q, \"score\": 81.0, \"critique\": \"The vivid palette balances a careful composition.\"}\n"+
		"{\"image\": %q, \"score\": 37.5, \"critique\": \"The crowded canvas holds muted color.\"}\n", filepath.Base(pictures[0]), filepath.Base(pictures[1]))
	if err := os.WriteFile(data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(f.dir, "model")
	for way, flags := range map[string][]string{
		"lora": {"--lora-rank", "4", "--lora-dropout", "0.1"},
		"dora": {"--lora-rank", "2", "--dora", "--train-modules", "visual.merger"},
		"full": {"--full", "--accumulate", "2", "--batch", "1", "--checkpoint-activations"},
	} {
		out := filepath.Join(dir, way)
		args := []string{"train", "--model", model, "--data", data, "--image-folder", f.pictures, "--steps", "6", "--batch", "2", "--eval-split", "0", "--max-pixels", "12544", "--out", out}
		start := start(t, "", append(args, flags...)...)
		if start.status != 0 {
			t.Fatalf("train %s: %s", way, start.stderr)
		}
		files, err := filepath.Glob(filepath.Join(out, "*.safetensors"))
		if err != nil || len(files) != 3 {
			t.Fatalf("train %s has written %v, %v; want weights, optimizer and score head", way, files, err)
		}
		for _, file := range files {
			l.put(t, f.name+"/train/"+way, filepath.Base(file), digestOfFile(t, file))
		}
		log, err := os.ReadFile(filepath.Join(out, "log.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		var losses strings.Builder
		for line := range strings.Lines(string(log)) {
			fmt.Fprintln(&losses, field(t, line, "loss"), field(t, line, "lm_loss"), field(t, line, "score_loss"), field(t, line, "grad_norm"))
		}
		l.put(t, f.name+"/train/"+way, "losses", digest([]byte(losses.String())))
	}
	merged := filepath.Join(dir, "merged")
	if r := start(t, "", "merge", "--model", model, "--adapter", filepath.Join(dir, "lora"), "--dtype", "f32", "--out", merged); r.status != 0 {
		t.Fatalf("merge: %s", r.stderr)
	}
	files, err := filepath.Glob(filepath.Join(merged, "model*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("merge has written %v, %v", files, err)
	}
	for _, file := range files {
		l.put(t, f.name+"/merge", filepath.Base(file), digestOfFile(t, file))
	}
}

// inside enters attribution maps by every method, and what patching restores.
func (f *ledgerFixture) inside(t *testing.T, l ledger, model []string, dir string) {
	for _, method := range []string{"raw", "relative", "rollout", "relevance", "gradcam", "integrated", "occlusion", "contribution"} {
		args := slices.Concat([]string{"attend", "--method", method, "--steps", "8"}, model, f.input(t, "image"))
		if method != "integrated" {
			args = slices.DeleteFunc(args, func(a string) bool { return a == "--steps" || a == "8" })
		}
		f.enterFile(t, l, "attend", method, dir, args)
	}
	other := filepath.Join(dir, "other.json")
	if err := os.WriteFile(other, []byte(`[{"role": "user", "content": "The canvas holds a muted palette."}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sweep := range []string{"positions", "heads"} {
		args := slices.Concat([]string{"trace", "--against", other, "--answers", "5,9", "--sweep", sweep, "The canvas holds a vivid palette."}, model)
		f.enterFile(t, l, "against", sweep, dir, args)
	}
}

// enterFile runs a command with --out and enters one digest of every tensor that it wrote.
func (f *ledgerFixture) enterFile(t *testing.T, l ledger, section, name, dir string, args []string) {
	t.Helper()
	file := filepath.Join(dir, section+"-"+name+".safetensors")
	ok(t, "", append(args, "--out", file)...)
	var all strings.Builder
	digests := tensorDigests(t, file)
	for _, tensor := range slices.Sorted(maps.Keys(digests)) {
		fmt.Fprintln(&all, tensor, digests[tensor])
	}
	l.put(t, f.name+"/"+section, name, digest([]byte(all.String())))
}

// embedded enters what the embedded model says of the embedded picture, and what a picture rests on that the program paints.
func (f *ledgerFixture) embedded(t *testing.T, l ledger) {
	dir := t.TempDir()
	ok(t, "", "demo", "paint", "--count", "1", "--seed", "7", "--out", dir)
	painted, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(painted) != 1 {
		t.Fatalf("demo paint has written %v, %v", painted, err)
	}
	l.put(t, f.name+"/painted", "picture", digestOfFile(t, painted[0]))
	for _, precision := range precisions {
		l.put(t, f.name+"/score", precision, digest([]byte(field(t, ok(t, "", "score", "--precision", precision, "--json"), "raw"))))
		l.put(t, f.name+"/logits", precision, field(t, ok(t, "", "generate", "--precision", precision, "--max-tokens", "8", "--json", "--image", painted[0], "What is in it?"), "logits_sha256"))
	}
	for _, method := range []string{"contribution", "relevance"} {
		f.enterFile(t, l, "attend", method, dir, []string{"attend", "--method", method, "--image", painted[0], "Score this painting."})
	}
}

// input are the flags of a case: its conversation, its pictures, and frames that the test paints.
func (f *ledgerFixture) input(t *testing.T, name string) []string {
	t.Helper()
	file := filepath.Join(f.dir, "cases", name+".json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Images []string
		Frames int `json:"video_frames"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	args := []string{"--messages", file}
	for _, picture := range c.Images {
		args = append(args, "--image", filepath.Join(f.pictures, picture))
	}
	if c.Frames > 0 {
		args = append(args, "--video", paintFrames(t, c.Frames))
	}
	return args
}

// twoPictures are those that are scored and learned from.
func (f *ledgerFixture) twoPictures() []string {
	return []string{
		filepath.Join(f.pictures, "painting_vangogh_starry_night_1280x1014"+f.extension),
		filepath.Join(f.pictures, "painting_hokusai_wave_928x514_progressive"+f.extension),
	}
}

// paintFrames writes n frames in which a pattern of colors moves, and returns their directory.
func paintFrames(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		frame := image.NewNRGBA(image.Rect(0, 0, 84, 56))
		for y := range 56 {
			for x := range 84 {
				frame.SetNRGBA(x, y, color.NRGBA{uint8(3*x + 11*i), uint8(4*y + x*i), uint8(x*y + 40*i), 255})
			}
		}
		out, err := os.Create(filepath.Join(dir, fmt.Sprintf("%02d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(out, frame); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// headOfTraining is the score head that a golden directory's training starts from, with the description that it lacks.
func headOfTraining(t *testing.T, dir string) string {
	t.Helper()
	head := t.TempDir()
	text, err := os.ReadFile(filepath.Join(dir, "train", "records.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records struct{ Target struct{ Mean, Std float64 } }
	if err := json.Unmarshal(text, &records); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"version": 1, "input": "visual.merger", "pool": "mean", "hidden": [], "targets": [{"name": "score", "mean": %v, "std": %v, "min": 1, "max": 100}]}`, records.Target.Mean, records.Target.Std)
	tensors, err := os.ReadFile(filepath.Join(dir, "train", "score_head.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"score_head.json": []byte(config), "score_head.safetensors": tensors} {
		if err := os.WriteFile(filepath.Join(head, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return head
}

// field is one value of a JSON object: a string's text, anything else as it is written.
func field(t *testing.T, object, key string) string {
	t.Helper()
	var values map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &values); err != nil || values[key] == nil {
		t.Fatalf("no %q in %.300s: %v", key, object, err)
	}
	if text, err := strconv.Unquote(string(values[key])); err == nil {
		return text
	}
	return string(values[key])
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func digestOfFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return digest(data)
}

// tensorDigests are of each tensor of a safetensors file: its type, shape and bytes.
func tensorDigests(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := weights.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for _, x := range f.Tensors() {
		out[x.Name] = digest(append(fmt.Appendf(nil, "%s %v\n", x.DType, x.Shape), x.Data...))
	}
	return out
}
