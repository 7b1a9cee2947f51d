package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
)

// TestEvalOfFew: numbers of a few pictures are printed with the warning that their intervals mean nothing.
func TestEvalOfFew(t *testing.T) {
	rows := func(n int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "%d\t%d\n", 10*i, 9*i+i%3)
		}
		return text.String()
	}
	for n, few := range map[int]bool{3: true, 9: true, 10: false} {
		r := start(t, "", "eval", "--data", write(t, "s.tsv", rows(n)))
		if r.status != 0 || strings.Contains(r.stderr, "intervals mean nothing") != few {
			t.Errorf("%d rows: exit %d: %s", n, r.status, r.stderr)
		}
	}
}

// TestDryRunSaysWhatDataHold: in the table and in JSON, with what is not read on standard error.
func TestDryRunSaysWhatDataHold(t *testing.T) {
	dir := t.TempDir()
	if err := paint.Write(context.Background(), dir, 4, 4, nil); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "d.csv")
	text := "image,score,critique,color,artist,split\n00000.png,5,Calm.,1,Monet,train\n00000.png,7,,2,Monet,train\n00001.png,7,,NA,Manet,train\n00002.png,,Loud.,4,Manet,val\n00003.png,3,,4,Manet,test\n"
	if err := os.WriteFile(data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"train", "--dry-run", "--model", filepath.Join(golden, "model"), "--max-pixels", "3136", "--data", data}
	r := start(t, "", args...)
	for _, want := range []string{"records       5", "3 to learn from, 1 for evaluation, 1 of the split test left out", "pictures      3", "copies        0", "raters        2", "critiques     2", "scores        3", "5 to 7, mean 6.333", "target color  3", "peak "} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in %s", want, r.stdout)
		}
	}
	for _, want := range []string{`the column "artist" is not learned from`, "--columns critique=artist", "the split test left out"} {
		if r.status != 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("exit %d, no %q in %s", r.status, want, r.stderr)
		}
	}
	plan := decode(t, ok(t, "", append(args, "--json", "--columns", "score,color")...), "tokens", "patches", "weights", "learned", "parameters", "kept", "recomputed", "recompute", "program", "peak", "free", "data")
	if d := plan["data"].(map[string]any); d["records"].(float64) != 5 || d["critiques"].(float64) != 0 {
		t.Errorf("with --columns score,color the data are %v", d)
	}
	for _, more := range [][]string{{"--columns", "mos"}, {"--columns", "score=mos=1"}, {"--score-range", "6,10"}, {"--image-folder", data}} {
		if r := start(t, "", append(args, more...)...); r.status == 0 || r.stdout != "" {
			t.Errorf("%v: exit %d: %s", more, r.status, r.stdout)
		}
	}
	if r := start(t, "", append(args, "--columns", "score,score=color")...); r.status != 2 || !strings.Contains(r.stderr, "--columns") {
		t.Errorf("--columns that says one thing twice: exit %d: %s", r.status, r.stderr)
	}
	if r := start(t, "", "train", "--dry-run", "--data", data, "--epochs", "0"); r.status != 2 || !strings.Contains(r.stderr, "--epochs") {
		t.Errorf("a dry run of what cannot be run: exit %d: %s", r.status, r.stderr)
	}
}

// TestTaughtAtOneSize: every command shows pictures, and asks, as the head or adapter was taught, says so, and tells of a
// difference that the command line makes; the records held out are found when data and result have moved together.
func TestTaughtAtOneSize(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "before")
	if err := paint.Write(context.Background(), filepath.Join(dir, "data"), 12, 4, nil); err != nil {
		t.Fatal(err)
	}
	tuned := filepath.Join(dir, "tuned")
	ok(t, "", "train", "--max-pixels", "6272", "--lora-rank", "2", "--steps", "1", "--batch", "1", "--data", filepath.Join(dir, "data", paint.DataName), "--out", tuned)
	if err := os.Rename(dir, filepath.Join(parent, "after")); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(parent, "after")
	tuned = filepath.Join(dir, "tuned")
	image := filepath.Join(dir, "data", "00000.png")
	for name, args := range map[string][]string{
		"score":    {"score", image},
		"eval":     {"eval", "--data", filepath.Join(tuned, "held-out.jsonl")},
		"generate": {"generate", "--image", image, "--max-tokens", "1", "Score this painting."},
		"attend":   {"attend", "--image", image, "--json", "Score this painting."},
		"trace":    {"trace", "--image", image, "--tap", "visual.merger", "--out", filepath.Join(t.TempDir(), "t.npz"), "Score this painting."},
	} {
		kept := start(t, "", append(args, "--adapter", tuned)...)
		if kept.status != 0 || !strings.Contains(kept.stderr, "as while this was taught") || strings.Contains(kept.stderr, "will not be those") {
			t.Errorf("%s: exit %d: %s", name, kept.status, kept.stderr)
		}
		other := start(t, "", append(args, "--adapter", tuned, "--max-pixels", "12544")...)
		if name != "trace" && (other.status != 0 || !strings.Contains(other.stderr, "had 3136 to 6272 while this was taught") || name != "generate" && other.stdout == kept.stdout) {
			t.Errorf("%s at another size: exit %d: %s", name, other.status, other.stderr)
		}
		if name == "eval" {
			continue // its records say what is asked
		}
		if r := start(t, "", append(args, "--adapter", tuned, "--system", "Be kind.")...); name != "trace" && (r.status != 0 || !strings.Contains(r.stderr, "the system text is not the one")) {
			t.Errorf("%s with another system text: exit %d: %s", name, r.status, r.stderr)
		}
	}
}

// TestDefaultQuestion: without --system and --prompt, score asks by the rubric what it asks where nothing else was taught.
func TestDefaultQuestion(t *testing.T) {
	args := []string{"score", "--critique", "--json", "--max-tokens", "8"}
	plain := ok(t, "", args...)
	if said := ok(t, "", append(args, "--system", loupe.Rubric, "--prompt", loupe.DefaultQuestion)...); said != plain {
		t.Errorf("%s, and with the rubric given %s", plain, said)
	}
	if other := ok(t, "", append(args, "--system", "")...); other == plain {
		t.Error("an empty --system changes nothing")
	}
}
