package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights"
)

// headDir is a directory with a score head of random weights, of one linear layer.
func headDir(t *testing.T, input, pool string, width int, targets ...weights.ScoreTarget) string {
	t.Helper()
	dir := t.TempDir()
	reads, err := weights.ParseHeadInput(input)
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.WriteScoreHead(filepath.Join(dir, weights.ScoreHeadConfigName), &weights.ScoreHeadConfig{Version: 1, Input: reads, Pool: weights.Pool(pool), Targets: targets}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, uint64(width)))
	w, b := make([]float32, len(targets)*width), make([]float32, len(targets))
	for i := range w {
		w[i] = float32(r.NormFloat64() / math.Sqrt(float64(width)))
	}
	tensors := []weights.Named{weights.FromF32("score_head.weight", []int{len(targets), width}, w), weights.FromF32("score_head.bias", []int{len(targets)}, b)}
	if err := weights.Write(filepath.Join(dir, weights.ScoreHeadWeightsName), tensors, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// withHead is the tiny model with a head of a directory.
func withHead(t *testing.T, head string) *loupe.Model {
	t.Helper()
	m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56, Head: head})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// target is one of that name, from 1 to 100.
func target(name string) weights.ScoreTarget {
	return weights.ScoreTarget{Name: name, Mean: 50, Std: 20, Min: 1, Max: 100}
}

// data writes records, one JSON object a line, and gives the path.
func data(t *testing.T, records []map[string]any) string {
	t.Helper()
	var text bytes.Buffer
	for _, r := range records {
		if err := json.NewEncoder(&text).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "data.jsonl")
	if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// scored are records of n painted pictures with random scores.
func scored(t *testing.T, n int) []map[string]any {
	t.Helper()
	dir := painted(t, n)
	r := rand.New(rand.NewPCG(3, 3))
	var out []map[string]any
	for i := range n {
		out = append(out, map[string]any{"image": filepath.Join(dir, fmt.Sprintf("%05d.png", i)), "score": float64(r.IntN(99) + 1)})
	}
	return out
}

// fitted is a fit of the head alone on records.
func fitted(t *testing.T, records []map[string]any, change func(*train.Options)) (*train.Fit, train.Options) {
	t.Helper()
	o := options(t, painted(t, 1))
	o.Data, o.HeadOnly = data(t, records), true
	if change != nil {
		change(&o)
	}
	return result(t, o).Fit, o
}

// TestAnswerMovesNoScore: what the head says of a question is, bit for bit, what it says while any answer to it is learned,
// also where the answer's first letters would join the question's last ones to one token.
func TestAnswerMovesNoScore(t *testing.T) {
	for _, c := range []struct{ input, pool string }{{"model.norm", "last"}, {"model.norm", "mean"}, {"visual.merger", "mean"}, {"visual.blocks.0.out", "mean"}} {
		probe := withHead(t, "")
		width := map[string]int{"model.norm": probe.Config.Text.HiddenSize, "visual.merger": probe.Config.Text.HiddenSize, "visual.blocks.0.out": probe.Config.Vision.EmbedDim}[c.input]
		m := withHead(t, headDir(t, c.input, c.pool, width, target("score")))
		records := scored(t, 1)
		read, err := train.ReadRecords(data(t, records))
		if err != nil {
			t.Fatal(err)
		}
		r := read[0]
		question, err := r.Question(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Score(context.Background(), question)
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range []string{"", "Good.", "\n\nGood", " \n \nx", "\u0301e", "  spaced", strings.Repeat("long and longer ", 20), "<|im_end|>", "assistant\n"} {
			r.Critique = answer
			l, err := r.Example(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range question.IDs {
				if l.Prompt.IDs[i] != id {
					t.Fatalf("answer %q changes token %d of the question", answer, i)
				}
			}
			got, err := m.Learner().Losses(context.Background(), l, loupe.LearnOptions{Weight: 1, Lambda: 1})
			if err != nil {
				t.Fatal(err)
			}
			if got.Outputs[0] != s.Targets[0].Output {
				t.Errorf("%s, %s: with the answer %q the head says %v, without %v", c.input, c.pool, answer, got.Outputs[0], s.Targets[0].Output)
			}
		}
	}
}

// TestCritiquesMoveNoFit: a head fitted in closed form, and the losses of the scores of a first step by every loss, are the same
// bits with critiques and without.
func TestCritiquesMoveNoFit(t *testing.T) {
	plain, worded := scored(t, 6), scored(t, 6)
	for i := range worded {
		worded[i]["image"] = plain[i]["image"]
		worded[i]["critique"] = strings.Repeat(fmt.Sprintf("The score is %v. ", plain[i]["score"]), i%3+1)
	}
	probe := withHead(t, "")
	head := headDir(t, "model.norm", "last", probe.Config.Text.HiddenSize, target("score"))
	run := func(records []map[string]any, change func(*train.Options)) train.Options {
		o := options(t, painted(t, 1))
		o.Data, o.Steps, o.Batch = data(t, records), 1, 6
		change(&o)
		if _, err := train.Run(context.Background(), withHead(t, head), o, func(train.Progress) {}); err != nil {
			t.Fatal(err)
		}
		return o
	}
	only := func(o *train.Options) { o.HeadOnly = true }
	a, b := run(plain, only), run(worded, only)
	if names := moved(t, filepath.Join(a.Out, weights.ScoreHeadWeightsName), filepath.Join(b.Out, weights.ScoreHeadWeightsName)); len(names) > 0 {
		t.Errorf("with critiques the fit moves %v", names)
	}
	for _, loss := range train.ScoreLosses {
		by := func(o *train.Options) { o.ScoreLoss = loss }
		if x, y := firstLine(t, run(plain, by)), firstLine(t, run(worded, by)); x.ScoreLoss != y.ScoreLoss || x.ScoreLoss == 0 || y.LMLoss == 0 {
			t.Errorf("%s: with critiques the loss of the scores is %v, without %v", loss, y.ScoreLoss, x.ScoreLoss)
		}
	}
}

// firstLine is the first step of a run.
func firstLine(t *testing.T, o train.Options) (l train.LogLine) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.Out, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(line, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func closeTo(a, b *float64) bool {
	return a != nil && b != nil && math.Abs(*a-*b) <= 1e-5*max(1, math.Abs(*a))
}

// TestFitLaws: to repeat records, to put them in another order, and to add a column that says nothing changes no expected
// error; to scale and rename a target scales and renames its results alone.
func TestFitLaws(t *testing.T) {
	records := scored(t, 10)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range records {
		records[i]["targets"] = map[string]any{"depth": math.Round(r.Float64()*1000) / 10}
	}
	base, _ := fitted(t, records, nil)
	same := func(what string, f *train.Fit) {
		if f.Pictures != 10 || !closeTo(f.Targets[0].LeftOut, base.Targets[0].LeftOut) || !closeTo(f.Targets[1].LeftOut, base.Targets[1].LeftOut) {
			t.Errorf("%s: %d pictures, errors %v and %v; want 10, %v and %v", what, f.Pictures, *f.Targets[0].LeftOut, *f.Targets[1].LeftOut, *base.Targets[0].LeftOut, *base.Targets[1].LeftOut)
		}
	}
	repeated := append(append([]map[string]any{}, records...), records[2], records[2], records[7])
	f, _ := fitted(t, repeated, nil)
	same("records repeated", f)
	f, _ = fitted(t, repeated, func(o *train.Options) { o.Raters = train.RatersEach })
	same("records repeated, each", f)
	turned := append(append([]map[string]any{}, records[4:]...), records[:4]...)
	f, _ = fitted(t, turned, nil)
	same("another order", f)
	var other []map[string]any
	for _, rec := range records {
		other = append(other, map[string]any{"image": rec["image"], "score": rec["score"], "targets": map[string]any{"across": 1000 * rec["targets"].(map[string]any)["depth"].(float64), "mood": nil}})
	}
	f, _ = fitted(t, other, nil)
	scaled := *base.Targets[1].LeftOut * 1000
	if len(f.Targets) != 2 || f.Targets[1].Name != "across" || !closeTo(f.Targets[1].LeftOut, &scaled) || *f.Targets[0].LeftOut != *base.Targets[0].LeftOut || f.Targets[0].Penalty != base.Targets[0].Penalty {
		t.Errorf("a target renamed and times 1000: %+v, before %+v", f.Targets, base.Targets)
	}
}

// TestRatersAreOnePicture: three ratings of each picture are as many pictures, fitted to their means, with the raters' agreement.
func TestRatersAreOnePicture(t *testing.T) {
	means := scored(t, 8)
	var each []map[string]any
	for _, r := range means {
		for _, d := range []float64{-1.5, 0, 1.5} {
			each = append(each, map[string]any{"image": r["image"], "score": r["score"].(float64) + d})
		}
	}
	a, _ := fitted(t, means, nil)
	o := options(t, painted(t, 1))
	o.Data, o.HeadOnly = data(t, each), true
	got := result(t, o)
	if got.Fit.Pictures != 8 || !closeTo(got.Fit.Targets[0].LeftOut, a.Targets[0].LeftOut) {
		t.Errorf("three ratings each: %d pictures, error %v; of the means %v", got.Fit.Pictures, *got.Fit.Targets[0].LeftOut, *a.Targets[0].LeftOut)
	}
	if r := got.Raters["score"]; r == nil || r.Pictures != 8 || r.Ratings != 24 || !(r.ICC.Value > 0.9) {
		t.Errorf("the raters' agreement is %+v", r)
	}
	read, err := train.ReadRecords(o.Data)
	if err != nil {
		t.Fatal(err)
	}
	m := withHead(t, o.Out)
	for mode, n := range map[string]int{train.RatersMean: 8, train.RatersEach: 24} {
		e, err := train.Evaluate(context.Background(), m, read, train.EvalOptions{Options: metrics.Options{Resamples: 20}, Raters: mode})
		if err != nil {
			t.Fatal(err)
		}
		if e.N != n || e.Pictures != 8 || e.Raters["score"].Ratings != 24 {
			t.Errorf("%s: %d pairs of %d pictures", mode, e.N, e.Pictures)
		}
		if e.QWKStep != 0.5 { // the ratings' own, whatever their means are
			t.Errorf("%s: kappa is over steps of %v", mode, e.QWKStep)
		}
	}
}

// TestTargetByItsName: a head whose score stands second is judged by that, and one without any target of the records is refused.
func TestTargetByItsName(t *testing.T) {
	probe := withHead(t, "")
	width := probe.Config.Text.HiddenSize
	m := withHead(t, headDir(t, "visual.merger", "mean", width, target("color"), target("score")))
	read, err := train.ReadRecords(data(t, scored(t, 4)))
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.Evaluate(context.Background(), m, read, train.EvalOptions{Options: metrics.Options{Resamples: -1}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range read {
		question, err := read[i].Question(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Score(context.Background(), question)
		if err != nil {
			t.Fatal(err)
		}
		if e.Pairs.Predicted[i] != s.Targets[1].Clamped || s.Score != s.Targets[1].Clamped {
			t.Errorf("record %d is judged by %v, the head's score is %v", i, e.Pairs.Predicted[i], s.Targets[1].Clamped)
		}
	}
	if len(e.Notes) != 1 || !strings.Contains(e.Notes[0], "color") {
		t.Errorf("notes %q", e.Notes)
	}
	bare := withHead(t, headDir(t, "visual.merger", "mean", width, target("mood")))
	if _, err := train.Evaluate(context.Background(), bare, read, train.EvalOptions{}); err == nil || !strings.Contains(err.Error(), "mood") || !strings.Contains(err.Error(), "score") {
		t.Errorf("a head without a score: %v", err)
	}
}
