package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var insideHead = filepath.Join("..", "..", "runtime", "trace", "testdata", "head")

func TestAttend(t *testing.T) {
	dir := t.TempDir()
	input := []string{"--model", filepath.Join(golden, "model"), "--head", insideHead, "--image", wave, "Score this painting."}
	for _, method := range methodNames() {
		out := filepath.Join(dir, method+".png")
		args := append([]string{"attend", "--method", method, "--out", out}, input...)
		if method == "integrated" {
			args = append(args, "--steps", "2")
		}
		if text := ok(t, "", args...); text != "" {
			t.Errorf("%s prints %q", method, text)
		}
		if _, err := os.Stat(out); err != nil {
			t.Error(err)
		}
	}
	text := ok(t, "", append([]string{"attend", "--method", "contribution", "--target", "score:color", "--json", "--faithfulness", "--curve-steps", "3"}, input...)...)
	object := decode(t, text, "method", "target", "unit", "merge", "panels", "elsewhere", "sum", "faithfulness")
	if object["target"] != "score:color" {
		t.Errorf("target is %v", object["target"])
	}
	for _, args := range [][]string{
		{"--answer", "3", "--out", filepath.Join(dir, "page.html")}, {"--each", "--out", filepath.Join(dir, "heads.png")},
		{"--each", "--tower", "--out", filepath.Join(dir, "tower.png")},
	} {
		ok(t, "", append(append([]string{"attend"}, args...), input...)...)
		if _, err := os.Stat(args[len(args)-1]); err != nil {
			t.Error(err)
		}
	}
	table := ok(t, "", append([]string{"attend", "--method", "raw", "--faithfulness", "--curve-steps", "3"}, input...)...)
	if !strings.Contains(table, "deletion") || !strings.Contains(table, "margin") {
		t.Errorf("faithfulness prints %q", table)
	}
}

func TestLens(t *testing.T) {
	input := []string{"--model", filepath.Join(golden, "model"), "--image", wave, "Score this painting."}
	for _, what := range []string{"logit", "direct", "words", "pca", "cka", "received"} {
		if table := ok(t, "", append([]string{"lens", "--what", what}, input...)...); strings.Count(table, "\n") < 3 {
			t.Errorf("%s prints %q", what, table)
		}
		if text := ok(t, "", append([]string{"lens", "--what", what, "--json"}, input...)...); !json.Valid([]byte(text)) {
			t.Errorf("%s --json prints %q", what, text)
		}
	}
}

// TestProbe: probes read the records of --data.
func TestProbe(t *testing.T) {
	dir := t.TempDir()
	ok(t, "", "demo", "paint", "--count", "10", "--out", dir)
	data := filepath.Join(dir, "data.jsonl")
	table := ok(t, "", "lens", "--what", "probe", "--data", data)
	for _, name := range []string{"score", "texture", "its row", "visual.patch_embed", "visual.merger", "model.layers.0.out, last token"} {
		if !strings.Contains(table, name) {
			t.Errorf("no %s in the table:\n%s", name, table)
		}
	}
	if text := ok(t, "", "lens", "--what", "probe", "--data", data, "--json"); !json.Valid([]byte(text)) {
		t.Errorf("--json prints %q", text)
	}
	records, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	// The question is that of scoring: another critique changes nothing.
	silent := filepath.Join(dir, "silent.jsonl")
	if err := os.WriteFile(silent, []byte(strings.ReplaceAll(string(records), `"critique":"`, `"critique":"Score 99. `)), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(silent); err != nil || string(text) == string(records) {
		t.Fatalf("the critiques are the same: %v", err)
	}
	if other := ok(t, "", "lens", "--what", "probe", "--data", silent); other != table {
		t.Error("probes see the critique")
	}
	// Copies of a picture stay together and count once, and a target that few records tell is left out, with a word on it.
	uneven := filepath.Join(dir, "uneven.jsonl")
	more := `{"image": "00000.png", "score": 3}` + "\n" + `{"image": "00001.png", "targets": {"smell": 3}}` + "\n"
	if err := os.WriteFile(uneven, append(records, more...), 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, "", "lens", "--what", "probe", "--data", uneven)
	if r.status != 0 || !strings.Contains(r.stderr, "12 records are of 10 pictures") || !strings.Contains(r.stderr, "smell is told of 1 pictures") || strings.Contains(r.stdout, "smell") {
		t.Errorf("records that tell different things: exit %d, %q", r.status, r.stderr)
	}
}

// TestLensAgainstBase: a model is like itself, whichever way it is loaded.
func TestLensAgainstBase(t *testing.T) {
	model := filepath.Join(golden, "model")
	text := ok(t, "", "lens", "--what", "cka", "--json", "--model", model, "--base", model, "--image", wave)
	var s struct{ Values [][]float64 }
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	for i := range s.Values {
		if v := s.Values[i][i]; v < 1-1e-6 || v > 1+1e-6 {
			t.Errorf("layer %d is %v like itself", i, v)
		}
	}
}

func TestInsideUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"attend", "--image", wave}, "--out"},
		{[]string{"attend", "--image", wave, "--out", "x.bmp"}, ".npz"},
		{[]string{"attend", "--image", wave, "--json", "--method", "magic"}, "magic"},
		{[]string{"attend", "--image", wave, "--json", "--target", "beauty"}, "--target"},
		{[]string{"attend", "--image", wave, "--json", "--colors", "jet"}, "viridis"},
		{[]string{"attend", "--image", wave, "--json", "--alpha", "2"}, "--alpha"},
		{[]string{"attend", "--image", wave, "--each", "--out", "x.json"}, "--each"},
		{[]string{"attend", "--image", wave, "--json", "--out", "x.html"}, "analysis of its own"},
		{[]string{"attend", "--image", wave, "--answer", "0", "--out", "x.html"}, "--answer"},
		{[]string{"attend", "--image", wave, "--json", "--steps", "2"}, "--steps goes with --method integrated"},
		{[]string{"attend", "--image", wave, "--json", "--method", "integrated", "--steps", "0"}, "--steps is 0"},
		{[]string{"attend", "--image", wave, "--json", "--method", "occlusion", "--window", "0"}, "--window is 0"},
		{[]string{"attend", "--image", wave, "--json", "--method", "occlusion", "--stride", "0"}, "--stride is 0"},
		{[]string{"attend", "--image", wave, "--faithfulness", "--curve-steps", "0"}, "--curve-steps is 0"},
		{[]string{"attend", "--image", wave, "--faithfulness", "--random-orders", "0"}, "--random-orders is 0"},
		{[]string{"attend", "--image", wave, "--json", "--seed", "3"}, "--faithfulness"},
		{[]string{"attend", "--image", wave, "--json", "--target", "score"}, "--target goes with"},
		{[]string{"attend", "--image", wave, "--json", "--method", "rollout", "--layers", "1"}, "--layers goes with"},
		{[]string{"attend", "--image", wave, "--json", "--method", "relevance", "--heads", "1"}, "--heads goes with"},
		{[]string{"attend", "--image", wave, "--json", "--method", "gradcam", "--query", "1"}, "--query goes with"},
		{[]string{"attend", "--image", wave, "--json", "--tower", "--query", "0"}, "--query goes with"},
		{[]string{"attend", "--image", wave, "--json", "--patches", "1"}, "--tower"},
		{[]string{"attend", "--image", wave, "--json", "--method", "relative", "--tower"}, "--tower goes with"},
		{[]string{"attend", "--image", wave, "--json", "--generic", "What?"}, "--method relative"},
		{[]string{"attend", "--image", wave, "--json", "--baseline", "black"}, "--baseline goes with"},
		{[]string{"attend", "--image", wave, "--json", "--answer", "3"}, "--out F.html"},
		{[]string{"attend", "--image", wave, "--json", "--smooth"}, "--out F.png"},
		{[]string{"attend", "--image", wave, "--json", "--layers", "1,0,1"}, "--layers names 1 twice"},
		{[]string{"attend", "--image", wave, "--json", "--query", "last"}, "--query"},
		{[]string{"attend", "--image", wave, "--json", "--each", "--out", "x.png"}, "--each"},
		{[]string{"lens", "--image", wave, "--top", "0"}, "--top is 0"},
		{[]string{"lens", "--image", wave, "--what", "direct", "--positions", "1,2"}, "--positions names 2"},
		{[]string{"lens", "--image", wave, "--what", "direct", "--layers", "1"}, "--layers goes with"},
		{[]string{"lens", "--image", wave, "--what", "words", "--layers", "1,2"}, "--layers names 2"},
		{[]string{"lens", "--image", wave, "--positions", "1", "--pictures"}, "--positions goes with"},
		{[]string{"lens", "--image", wave, "--positions", "1,1"}, "--positions names 1 twice"},
		{[]string{"lens", "--image", wave, "--against", "0"}, "--what direct"},
		{[]string{"lens", "--image", wave, "--what", "cka", "--token", "0"}, "--token goes with"},
		{[]string{"lens", "--image", wave, "--what", "pca", "--tower"}, "--what cka"},
		{[]string{"lens", "--image", wave, "--tap", "model.norm"}, "--what pca"},
		{[]string{"lens", "--image", wave, "--colors", "magma"}, "--out F.png"},
		{[]string{"trace", "--image", wave, "--list", "--intervene", "x.json"}, "--intervene"},
		{[]string{"trace", "--image", wave, "--against", "x.json", "--sweep", "heads", "--positions", "1"}, "--positions goes with"},
		{[]string{"trace", "--image", wave, "--against", "x.json", "--json", "--top", "3"}, "--top"},
		{[]string{"trace", "--image", wave, "--against", "x.json", "--layers", "0,0"}, "--layers names 0 twice"},
		{[]string{"lens", "--image", wave, "--what", "telescope"}, "telescope"},
		{[]string{"lens", "--image", wave, "--base", "none"}, "cka"},
		{[]string{"lens", "--image", wave, "--what", "cka", "--base", "none"}, "--adapter"},
		{[]string{"lens", "--image", wave, "--out", "x.bmp"}, ".csv"},
		{[]string{"lens", "--image", wave, "--data", "x.jsonl"}, "--what probe"},
		{[]string{"lens", "--what", "probe"}, "--data"},
		{[]string{"lens", "--what", "probe", "--data", "x.jsonl", "--image", wave}, "input flags"},
	} {
		r := start(t, "", c.args...)
		if r.status != 2 || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
			t.Errorf("loupe %s: exit %d, %q", strings.Join(c.args, " "), r.status, r.stderr)
		}
	}
}
