package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScoreByItsName: the score that answers carry is the target of that name wherever it stands in the head, and no other's: a head
// without one gives none, and that is told.
func TestScoreByItsName(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(insideHead, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	values := map[string]float64{}
	for _, names := range [][2]string{{"score", "color"}, {"color", "score"}, {"color", "line"}} {
		dir := t.TempDir()
		text := strings.NewReplacer(`"score"`, `"`+names[0]+`"`, `"color"`, `"`+names[1]+`"`).Replace(string(read("score_head.json")))
		for name, data := range map[string][]byte{"score_head.json": []byte(text), "score_head.safetensors": read("score_head.safetensors")} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		with := []string{"--model", filepath.Join(golden, "model"), "--head", dir, "--max-pixels", "3136", "--json"}
		var scored struct{ Targets map[string]float64 }
		if err := json.Unmarshal([]byte(ok(t, "", append([]string{"score", wave}, with...)...)), &scored); err != nil {
			t.Fatal(err)
		}
		want, has := scored.Targets["score"]
		for _, command := range [][]string{{"generate", "--max-tokens", "1", "--image", wave, "Score this painting."}, {"trace", "--tap", "score_head", "--out", filepath.Join(t.TempDir(), "o.npz"), "--image", wave, "Score this painting."}} {
			r := start(t, "", append(command, with...)...)
			var got struct{ Score *float64 }
			if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
				t.Fatalf("%v: %s", err, r.stderr)
			}
			if (got.Score != nil) != has || has && *got.Score != want {
				t.Errorf("%s of a head of %v has the score %v; its targets are %v", command[0], names, got.Score, scored.Targets)
			}
			if !has && !strings.Contains(r.stderr, "no target score") {
				t.Errorf("%s of a head of %v does not say that there is no score: %s", command[0], names, r.stderr)
			}
		}
		out := filepath.Join(t.TempDir(), "g.npz")
		if r := start(t, "", append([]string{"trace", "--tap", "visual.merger", "--grad", "score", "--out", out, "--image", wave, "x"}, with...)...); r.status != 0 || strings.Contains(r.stderr, "the gradient is of score:color") == has {
			t.Errorf("--grad score of a head of %v: exit %d, %s", names, r.status, r.stderr)
		}
		values[names[0]+names[1]] = want
	}
	if values["scorecolor"] == values["colorscore"] {
		t.Errorf("two targets have one value, %v: this test could not fail", values)
	}
}
