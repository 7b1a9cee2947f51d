package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights"
)

// TestTraceAgainst patches between two texts and between two pictures, and prints and writes what restores the answer.
func TestTraceAgainst(t *testing.T) {
	dir := t.TempDir()
	messages := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	model := filepath.Join(golden, "model")
	other := messages("other.json", `[{"role": "user", "content": "The canvas holds a muted palette."}]`)
	input := []string{"trace", "--model", model, "--against", other, "--answers", "5,9", "The canvas holds a vivid palette."}
	table := ok(t, "", append(input, "--top", "3")...)
	if lines := strings.Split(strings.TrimSpace(table), "\n"); len(lines) != 7 || !strings.HasPrefix(lines[3], "restored") {
		t.Errorf("the table is\n%s", table)
	}
	keys := []string{"tap", "sweep", "layers", "columns", "labels", "clean", "corrupted", "difference", "restored"}
	for _, sweep := range []string{"positions", "heads"} {
		text := ok(t, "", append(input, "--json", "--sweep", sweep, "--layers", "2,0", "--out", filepath.Join(dir, sweep+".json"))...)
		decode(t, text, keys...)
		if written, err := os.ReadFile(filepath.Join(dir, sweep+".json")); err != nil || string(written) != text {
			t.Errorf("--out holds %q, %v", written, err)
		}
		var got struct {
			Layers   []int
			Labels   []string
			Restored [][]float64
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Restored) != 2 || got.Layers[0] != 2 || len(got.Restored[1]) != len(got.Labels) {
			t.Errorf("%s: %v", sweep, got)
		}
	}
	for _, name := range []string{"t.png", "t.csv", "t.npz", "t.safetensors"} {
		ok(t, "", append(input, "--out", filepath.Join(dir, name))...)
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	f, err := weights.Open(filepath.Join(dir, "t.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	restored, err := f.Tensor("restored")
	if err != nil || len(restored.Shape) != 2 || restored.Shape[0] != 3 {
		t.Errorf("restored is %v, %v", restored, err)
	}

	// One question about two pictures, which may be named in two ways; and two questions about one.
	scream := filepath.Join(golden, "pictures", "painting_munch_scream_1200x1528.png")
	asked := messages("asked.json", `[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Look."}]}]`)
	two := []string{"trace", "--model", model, "--against", asked, "--answers", "5,9", "--json", "--layers", "1", "--image", wave}
	byFlag := ok(t, "", append(two, "--against-image", scream, "Look.")...)
	inOrder := ok(t, "", append(two, "--image", scream, "--messages", asked)...)
	if byFlag != inOrder {
		t.Errorf("--against-image gives %s, and a second --image %s", byFlag, inOrder)
	}
	if same := ok(t, "", append(two, "Lock.")...); bytes.Equal([]byte(same), []byte(byFlag)) {
		t.Error("two questions about one picture give what one about two gives")
	}
}

func TestTraceAgainstErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"--sweep goes with --against": {"--sweep", "heads", "hi"},
		"--tap does not go with":      {"--against", "a.json", "--tap", "lm_head", "hi"},
		"--sweep rows is unknown":     {"--against", "a.json", "--sweep", "rows", "hi"},
		"output x.txt":                {"--against", "a.json", "--out", "x.txt", "hi"},
		"--answers 5":                 {"--against", "a.json", "--answers", "5", "hi"},
	} {
		if r := start(t, "", append([]string{"trace"}, args...)...); r.status != 2 || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: exit %d, %s", args, r.status, r.stderr)
		}
	}
	if r := start(t, "", "trace", "--against", "nowhere.json", "hi"); r.status != 1 || !strings.Contains(r.stderr, "nowhere.json") {
		t.Errorf("a missing file: exit %d, %s", r.status, r.stderr)
	}
}
