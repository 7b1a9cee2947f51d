package train_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
)

// planned is the dry run of o on the tiny model, and its notes.
func planned(t *testing.T, o train.Options) (p *train.Plan, notes []string, err error) {
	t.Helper()
	m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err = train.PlanRun(context.Background(), m, o, func(p train.Progress) {
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
	})
	return p, notes, err
}

// TestSummary: a dry run counts what the data hold, in layouts side by side, and tells of what it leaves.
func TestSummary(t *testing.T) {
	dir := painted(t, 5)
	copied, err := os.ReadFile(filepath.Join(dir, "00000.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "copy.png"), copied, 0o644); err != nil {
		t.Fatal(err)
	}
	o := options(t, dir)
	o.Data = filepath.Join(dir, "mixed.jsonl")
	write(t, o.Data, `{"image": "00000.png", "score": 10, "critique": " ", "split": "train"}
{"image": "00000.png", "score": 20, "critique": "Calm.", "split": "train"}
{"image": "copy.png", "score": 120, "split": "train"}
{"image": "00001.png", "targets": {"mood": 3, "color": null}, "split": "validation", "artist": "Monet"}
{"image": "00002.png", "score": null, "targets": {"mood": 5}, "split": "test"}
{"messages": [{"role": "user", "content": "<image><image>Which?"}, {"role": "assistant", "content": "The first."}, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "It is calm."}], "images": ["00003.png", "00004.png"], "split": "train"}
{"messages": [{"role": "user", "content": "What is sfumato?"}, {"role": "assistant", "content": "Soft edges."}], "split": "train"}
`)
	plan, notes, err := planned(t, o)
	if err != nil {
		t.Fatal(err)
	}
	want := &train.Summary{
		Records: 7, Learn: 5, Evaluate: 1, LeftOut: 1, Pictures: 4, TextOnly: 1, Several: 1, Critiques: 3, Rated: 1, Raters: 3, Copies: 1,
		Targets: []train.TargetSummary{{Name: "score", Values: 3, Least: 10, Most: 120, Mean: 50}, {Name: "mood", Values: 1, Least: 3, Most: 3, Mean: 3}},
	}
	if d := cmp.Diff(want, plan.Data); d != "" {
		t.Error(d)
	}
	for _, part := range []string{`the key "artist" is not learned from`, "1 record, the first in line 6, with several answers", "1 record, the first in line 7, without a picture", "1 record of the split test left out", "1 of 3 values outside 1 to 100, the first 120"} {
		if !slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, part) }) {
			t.Errorf("no note has %q: %q", part, notes)
		}
	}
	o.ScoreRange = []float64{1, 100}
	if _, _, err := planned(t, o); err == nil || !strings.Contains(err.Error(), "line 3: score is 120, outside train.Options.ScoreRange 1,100") {
		t.Errorf("error %v, want one of line 3", err)
	}
	o.ScoreRange, o.HeadOnly = nil, true
	head, _, err := planned(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if head.Parameters >= plan.Parameters || head.Tokens > plan.Tokens {
		t.Errorf("with train.Options.HeadOnly %d numbers learn, else %d", head.Parameters, plan.Parameters)
	}
}

// TestMixedLearns: a run learns from records of several pictures, of one and of none, with a score head and with the ranking
// loss, and the conversation of text alone changes no number of the head.
func TestMixedLearns(t *testing.T) {
	dir := painted(t, 4)
	lines := []string{
		`{"image": "00000.png", "score": 10, "critique": "Calm.", "split": "train"}`,
		`{"image": "00001.png", "score": 20, "split": "train"}`,
		`{"messages": [{"role": "user", "content": "<image><image>Which?"}, {"role": "assistant", "content": "The first."}], "images": ["00002.png", "00003.png"], "score": 40, "split": "train"}`,
		`{"messages": [{"role": "user", "content": "What is sfumato?"}, {"role": "assistant", "content": "Soft edges."}], "split": "train"}`,
	}
	o := options(t, dir)
	o.Data = filepath.Join(dir, "mixed.jsonl")
	write(t, o.Data, strings.Join(lines, "\n"))
	for _, loss := range train.ScoreLosses {
		o.ScoreLoss, o.Batch, o.Steps, o.Out = loss, 4, 2, filepath.Join(t.TempDir(), loss)
		if err := run(context.Background(), t, o, 2, nil); err != nil {
			t.Errorf("%s: %v", loss, err)
		}
	}
	o.ScoreLoss, o.HeadOnly, o.Batch = "", true, 1
	o.Out = filepath.Join(t.TempDir(), "with")
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	with := read(t, filepath.Join(o.Out, "score_head.safetensors"))
	write(t, o.Data, strings.Join(lines[:3], "\n"))
	o.Out = filepath.Join(t.TempDir(), "without")
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	if without := read(t, filepath.Join(o.Out, "score_head.safetensors")); with != without {
		t.Error("a conversation without a picture changes the score head")
	}
}
