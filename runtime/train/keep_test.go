package train_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights"
)

// row is a row of a tensor in a file, as bits.
func row(t *testing.T, path, name string, n int) []float32 {
	t.Helper()
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	width := x.Len() / x.Shape[0]
	return slices.Clone(x.F32()[n*width : (n+1)*width])
}

// TestKeptTarget: a target of a head that no record has keeps its weights, to the bit, through a fit and through steps with decay;
// it is told of, and so is a column that the head lacks.
func TestKeptTarget(t *testing.T) {
	width := withHead(t, "").Config.Text.HiddenSize
	head := headDir(t, "visual.merger", "mean", width, target("score"), target("color"))
	records := scored(t, 6)
	records[0]["targets"] = map[string]any{"mood": 4}
	for name, change := range map[string]func(*train.Options){"fit": func(o *train.Options) { o.HeadOnly = true }, "steps": func(o *train.Options) { o.Decay = 0.5 }} {
		o := options(t, painted(t, 1))
		o.Data = data(t, records)
		change(&o)
		var notes []string
		if _, err := train.Run(context.Background(), withHead(t, head), o, func(p train.Progress) { notes = append(notes, p.Note) }); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(notes, "\n")
		if !strings.Contains(said, "color of the score head: no record to learn from has it") || !strings.Contains(said, "no target mood") || !strings.Contains(said, "range 1 to 100") {
			t.Errorf("%s: notes %s", name, said)
		}
		for _, tensor := range []string{"score_head.weight", "score_head.bias"} {
			before := func(n int) []float32 { return row(t, filepath.Join(head, weights.ScoreHeadWeightsName), tensor, n) }
			after := func(n int) []float32 { return row(t, filepath.Join(o.Out, weights.ScoreHeadWeightsName), tensor, n) }
			if !slices.Equal(before(1), after(1)) {
				t.Errorf("%s: %s of the target that nothing teaches moved", name, tensor)
			}
			if slices.Equal(before(0), after(0)) {
				t.Errorf("%s: %s of the score did not move", name, tensor)
			}
		}
	}
}

// TestNoGradientNoDecay: where no record has a critique, the decoder stays as it is, decay or not; what the score reads moves.
func TestNoGradientNoDecay(t *testing.T) {
	width := withHead(t, "").Config.Text.HiddenSize
	head := headDir(t, "visual.merger", "mean", width, target("score"))
	o := options(t, painted(t, 1))
	o.Data, o.Full, o.Steps, o.Decay, o.LR = data(t, scored(t, 4)), true, 2, 0.5, 1e-2
	none := o
	none.Out, none.LR = filepath.Join(t.TempDir(), "none"), 1e-30
	for _, each := range []train.Options{o, none} {
		if _, err := train.Run(context.Background(), withHead(t, head), each, func(train.Progress) {}); err != nil {
			t.Fatal(err)
		}
	}
	names := moved(t, filepath.Join(none.Out, weights.SingleName), filepath.Join(o.Out, weights.SingleName))
	for _, name := range names {
		if !strings.HasPrefix(name, "visual.") {
			t.Errorf("%s moved without a gradient", name)
		}
	}
	if len(names) == 0 {
		t.Error("nothing moved")
	}
}

// TestRescale: train.Options.ScoreRange beside a head gives its target the new range, and the head says there what it said before, in the new
// units.
func TestRescale(t *testing.T) {
	width := withHead(t, "").Config.Text.HiddenSize
	head := headDir(t, "visual.merger", "mean", width, target("score"), target("color"))
	records := scored(t, 4)
	for i := range records {
		records[i]["score"] = records[i]["score"].(float64) / 100
	}
	o := options(t, painted(t, 1))
	o.Data, o.ScoreRange, o.Steps, o.LR, o.Decay = data(t, records), []float64{0, 1}, 1, 1e-30, 0
	if _, err := train.Run(context.Background(), withHead(t, head), o, func(train.Progress) {}); err != nil {
		t.Fatal(err)
	}
	got, err := train.ReadScoreHead(filepath.Join(o.Out, weights.ScoreHeadConfigName))
	if err != nil {
		t.Fatal(err)
	}
	s := got.Targets[0]
	if s.Min != 0 || s.Max != 1 || math.Abs(s.Mean-49.0/99) > 1e-12 || math.Abs(s.Std-20.0/99) > 1e-12 || got.Targets[1] != target("color") {
		t.Errorf("rescaled to %+v", got.Targets)
	}
}

// TestRankStaysInRange: the order is learned for long, at a high rate, and what the head says of the pictures that it learned from is
// within its range.
func TestRankStaysInRange(t *testing.T) {
	width := withHead(t, "").Config.Text.HiddenSize
	head := headDir(t, "visual.merger", "mean", width, target("score"))
	records := scored(t, 6)
	o := options(t, painted(t, 1))
	o.Data, o.ScoreLoss, o.Steps, o.Batch, o.Schedule.Kind, o.LR, o.EvalSplit = data(t, records), train.PairwiseLoss, 60, 6, "constant", 1e-9, 0
	o.HeadLR = rate(0.2)
	if _, err := train.Run(context.Background(), withHead(t, head), o, func(train.Progress) {}); err != nil {
		t.Fatal(err)
	}
	m := withHead(t, o.Out)
	read, err := train.ReadRecords(o.Data)
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
		if v := s.Targets[0].Value; v < 1-1e-6 || v > 100+1e-6 {
			t.Errorf("picture %d is said to be %v, in a range of 1 to 100", i, v)
		}
	}
}

// TestBestBy: the measurement that is kept is the best by the measure that is asked for.
func TestBestBy(t *testing.T) {
	o := options(t, painted(t, 12))
	o.Steps, o.EvalEvery, o.LR, o.Schedule.Kind = 6, 1, 0.05, "constant"
	for _, measure := range []string{"mae", "spearman", "lm_loss"} {
		each := o
		each.Out, each.BestBy = filepath.Join(t.TempDir(), "out"), measure
		r := result(t, each)
		text, err := os.ReadFile(filepath.Join(each.Out, "eval.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		best, at := math.Inf(1), 0
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var l train.EvalLine
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			v := map[string]float64{"mae": *l.MAE, "spearman": -*l.Spearman, "lm_loss": l.LMLoss}[measure]
			if v < best {
				best, at = v, l.After
			}
		}
		if r.Kept != at {
			t.Errorf("%s: step %d is kept, the best is %d", measure, r.Kept, at)
		}
	}
}

// TestIdleOptions: what would change nothing is refused by its flag.
func TestIdleOptions(t *testing.T) {
	words := scored(t, 3)
	for i := range words {
		delete(words[i], "score")
		words[i]["critique"] = "Good."
	}
	fresh := scored(t, 3)
	for name, c := range map[string]struct {
		records []map[string]any
		change  func(*train.Options)
		want    string
	}{
		"a pattern that matches nothing": {fresh, func(o *train.Options) { o.Freeze = []string{"visual"} }, `train.Options.Freeze "visual" matches nothing`},
		"a rate of what has no branch": {fresh, func(o *train.Options) {
			o.MergerLR, o.Given = rate(1e-3), map[string]bool{"train.Options.MergerLR": true}
		}, "train.Options.MergerLR would change nothing"},
		"a rate of what nothing teaches": {fresh, func(o *train.Options) {
			o.DecoderLR, o.Given = rate(1e-3), map[string]bool{"train.Options.DecoderLR": true}
		}, "train.Options.DecoderLR would change nothing"},
		"a loss of scores without any": {words, func(o *train.Options) {
			o.ScoreLoss, o.Given = train.HuberLoss, map[string]bool{"train.Options.ScoreLoss": true}
		}, "train.Options.ScoreLoss would change nothing"},
		"a weight of 0 of all there is": {fresh, func(o *train.Options) { o.ScoreWeight = 0 }, "nothing would learn"},
		"a best by words without any": {fresh, func(o *train.Options) {
			o.BestBy, o.EvalEvery, o.EvalSplit, o.Given = "lm_loss", 1, 0.4, map[string]bool{"train.Options.BestBy": true}
		}, "train.Options.BestBy would change nothing"},
		"a best by scores without any": {words, func(o *train.Options) {
			o.BestBy, o.EvalEvery, o.EvalSplit, o.Given = "mae", 1, 0.4, map[string]bool{"train.Options.BestBy": true}
		}, "train.Options.BestBy would change nothing"},
		"no rate at all": {fresh, func(o *train.Options) { o.LR = 0 }, "nothing would learn"},
	} {
		o := options(t, painted(t, 1))
		o.Data = data(t, c.records)
		c.change(&o)
		m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one with %q", name, err, c.want)
		}
	}
}

// TestRankHasNoErrorInPoints: of a head that learned an order alone no error over pictures left out is told.
func TestRankHasNoErrorInPoints(t *testing.T) {
	for loss, known := range map[string]bool{train.SquaredLoss: true, train.PairwiseLoss: false} {
		fit, _ := fitted(t, scored(t, 8), func(o *train.Options) { o.HeadHidden, o.ScoreLoss, o.Epochs = []int{3}, loss, 1 })
		if (fit.Targets[0].LeftOut != nil) != known || (fit.Parts > 0) != known {
			t.Errorf("%s: left out %v, %d parts", loss, fit.Targets[0].LeftOut, fit.Parts)
		}
	}
}

// TestTargetOfEvaluationAlone: a target that no record to learn from has is told of, and changes nothing of the others.
func TestTargetOfEvaluationAlone(t *testing.T) {
	records := scored(t, 8)
	for i := range records {
		records[i]["split"] = "train"
		if i > 5 {
			records[i]["split"] = "eval"
		}
	}
	without, _ := fitted(t, records, nil)
	records[7]["targets"] = map[string]any{"mood": 5}
	var notes []string
	o := options(t, painted(t, 1))
	o.Data, o.HeadOnly = data(t, records), true
	got, err := train.Run(context.Background(), withHead(t, ""), o, func(p train.Progress) { notes = append(notes, p.Note) })
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(notes, "\n"); !strings.Contains(said, "target mood") {
		t.Errorf("mood is not told of: %s", said)
	}
	if len(got.Fit.Targets) != 1 || *got.Fit.Targets[0].LeftOut != *without.Targets[0].LeftOut {
		t.Errorf("with a target of evaluation alone: %+v, without %+v", got.Fit.Targets, without.Targets)
	}
}
