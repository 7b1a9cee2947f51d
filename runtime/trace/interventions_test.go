package trace_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/weights"
)

// write puts a file into dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// vectors is a safetensors file with the tensors one (3) and two (2, 3).
func vectors(t *testing.T, path string) {
	t.Helper()
	w, err := trace.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, named := range []weights.Named{
		weights.FromF32("one", []int{3}, []float32{1, 2, 3}),
		weights.FromF32("two", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
	} {
		if err := w.AddNamed(named); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadInterventions(t *testing.T) {
	dir := t.TempDir()
	vectors(t, filepath.Join(dir, "v.safetensors"))
	path := write(t, dir, "all.json", `[
		{"tap": "a", "op": "zero", "head": 1},
		{"tap": "b.*", "op": "scale", "scale": 0.5, "rows": [0, -1]},
		{"tap": "c", "op": "add", "value": "v.safetensors#one"},
		{"tap": "c", "op": "add", "value": "v.safetensors#one", "scale": -2},
		{"tap": "d", "op": "set", "value": "v.safetensors#two", "rows": [3, 4]},
		{"tap": "e", "op": "mean"},
		{"tap": "f", "op": "dataset-mean", "data": "pictures", "head": 2}
	]`)
	got, err := trace.ReadInterventions(path)
	if err != nil {
		t.Fatal(err)
	}
	one := []float32{1, 2, 3}
	want := []loupe.Intervention{
		{Tap: "a", Op: tensor.Zero, Head: 1, Scale: 1},
		{Tap: "b.*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 0.5, Rows: []int{0, -1}},
		{Tap: "c", Op: tensor.Add, Head: loupe.AllHeads, Scale: 1, Value: one},
		{Tap: "c", Op: tensor.Add, Head: loupe.AllHeads, Scale: -2, Value: one},
		{Tap: "d", Op: tensor.Set, Head: loupe.AllHeads, Scale: 1, Value: []float32{1, 2, 3, 4, 5, 6}, Width: 3, Rows: []int{3, 4}},
		{Tap: "e", Op: tensor.Mean, Head: loupe.AllHeads, Scale: 1},
		{Tap: "f", Op: tensor.Set, Head: 2, Scale: 1, Dataset: filepath.Join(dir, "pictures")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadInterventionsErrors(t *testing.T) {
	dir := t.TempDir()
	vectors(t, filepath.Join(dir, "v.safetensors"))
	for _, c := range []struct{ name, json, want string }{
		{"no JSON", `zero`, "list of objects"},
		{"no list", `{"tap": "a", "op": "zero"}`, "list of objects"},
		{"unknown key", `[{"tap": "a", "op": "zero", "colour": 1}]`, "colour"},
		{"rows that are no numbers", `[{"tap": "a", "op": "zero", "rows": ["1"]}]`, "`rows` is a string; it must be a list of whole numbers"},
		{"a row and a half", `[{"tap": "a", "op": "zero", "rows": [1.5]}]`, "`rows` is a number 1.5"},
		{"a tap that is no text", `[{"tap": 3, "op": "zero"}]`, "`tap` is a number; it must be a text"},
		{"one after the list", `[{"tap": "a", "op": "zero"}] []`, "it is no JSON"},
		{"an empty list", `[]`, "no intervention"},
		{"null", `null`, "no intervention"},
		{"no tap", `[{"op": "zero"}]`, "`tap` is missing"},
		{"no op", `[{"tap": "a"}]`, `op ""`},
		{"unknown op", `[{"tap": "a", "op": "square"}]`, "square"},
		{"the second is bad", `[{"tap": "a", "op": "zero"}, {"tap": "a", "op": "x"}]`, "number 2"},
		{"scale without a factor", `[{"tap": "a", "op": "scale"}]`, "`scale`"},
		{"zero with a factor", `[{"tap": "a", "op": "zero", "scale": 2}]`, "`scale`"},
		{"zero with a value", `[{"tap": "a", "op": "zero", "value": "v.safetensors#one"}]`, "`value`"},
		{"add without a value", `[{"tap": "a", "op": "add"}]`, "`value`"},
		{"no rows", `[{"tap": "a", "op": "zero", "rows": []}]`, "`rows`"},
		{"dataset-mean without data", `[{"tap": "a", "op": "dataset-mean"}]`, "`data`, a directory of pictures"},
		{"zero with data", `[{"tap": "a", "op": "zero", "data": "d"}]`, "`data`"},
		{"dataset-mean with a value", `[{"tap": "a", "op": "dataset-mean", "data": "d", "value": "v.safetensors#one"}]`, "`value`"},
		{"dataset-mean with a factor", `[{"tap": "a", "op": "dataset-mean", "data": "d", "scale": 2}]`, "`scale`"},
		{"dataset-mean of a step", `[{"tap": "steps.1/a", "op": "dataset-mean", "data": "d"}]`, "without its step"},
		{"data that is no text", `[{"tap": "a", "op": "dataset-mean", "data": 1}]`, "`data` is a number"},
		{"negative head", `[{"tap": "a", "op": "zero", "head": -1}]`, "`head`"},
		{"value without a tensor", `[{"tap": "a", "op": "add", "value": "v.safetensors"}]`, "names no tensor"},
		{"value without a file", `[{"tap": "a", "op": "add", "value": "w.safetensors#one"}]`, "w.safetensors"},
		{"value from npz", `[{"tap": "a", "op": "add", "value": "w.npz#one"}]`, "safetensors"},
		{"value of no such tensor", `[{"tap": "a", "op": "add", "value": "v.safetensors#three"}]`, "three"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, dir, "bad.json", c.json)
			_, err := trace.ReadInterventions(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.json") {
				t.Errorf("error is %v, want one with %q and the file's name", err, c.want)
			}
		})
	}
	if _, err := trace.ReadInterventions(filepath.Join(dir, "nowhere.json")); err == nil || !strings.Contains(err.Error(), "nowhere.json") {
		t.Errorf("error of a missing file is %v", err)
	}
}
