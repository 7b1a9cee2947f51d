package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights"
)

// result trains the tiny model and gives what the run came to.
func result(t *testing.T, o train.Options) *train.Result {
	t.Helper()
	m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err := train.Run(context.Background(), m, o, func(train.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// moved are the names of the tensors of a file that differ from those of another run's file, or that have no equal there.
func moved(t *testing.T, a, b string) []string {
	t.Helper()
	read := func(path string) map[string][]byte {
		f, err := weights.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out := map[string][]byte{}
		for _, x := range f.Tensors() {
			out[x.Name] = bytes.Clone(x.Data)
		}
		return out
	}
	before, after := read(a), read(b)
	var names []string
	for name, data := range after {
		if !bytes.Equal(before[name], data) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// rate is a learning rate of a part.
func rate(v float64) *float64 { return &v }

// TestRates: a part whose learning rate is 0 stays where it is, the others move.
func TestRates(t *testing.T) {
	parts := map[string]func(*train.Options){
		"visual.blocks.": func(o *train.Options) { o.VisionLR = rate(0) }, "visual.merger.": func(o *train.Options) { o.MergerLR = rate(0) },
		"model.layers.": func(o *train.Options) { o.DecoderLR = rate(0) },
	}
	data := painted(t, 4)
	start := options(t, data)
	start.Full, start.Steps, start.Decay = true, 1, 0
	for part, still := range parts {
		none, o := start, start
		none.Out, none.LR = filepath.Join(t.TempDir(), "none"), 1e-30
		o.Out, o.LR = filepath.Join(t.TempDir(), "out"), 1e-3
		for _, each := range []*train.Options{&none, &o} {
			still(each)
			result(t, *each)
		}
		names := moved(t, filepath.Join(none.Out, weights.SingleName), filepath.Join(o.Out, weights.SingleName))
		for other := range parts {
			if has := slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, other) }); has == (other == part) {
				t.Errorf("with a rate of 0 for %s, %s moved: %v", part, other, has)
			}
		}
	}
	none, o := start, start
	none.LR = 1e-30
	o.Out, o.LR, o.HeadLR = filepath.Join(t.TempDir(), "out"), 1e-30, rate(1e-3)
	result(t, none)
	result(t, o)
	if names := moved(t, filepath.Join(none.Out, weights.ScoreHeadWeightsName), filepath.Join(o.Out, weights.ScoreHeadWeightsName)); len(names) != 2 {
		t.Errorf("with a rate of its own, of the head moved %v", names)
	}
}

// TestFreeze: frozen modules get no branch, a frozen branch of an adapter that is there is written as it was, and patterns
// of whole towers leave the score head free.
func TestFreeze(t *testing.T) {
	o := options(t, painted(t, 4))
	o.Freeze, o.Steps = []string{"visual.*"}, 2
	result(t, o)
	f, err := weights.Open(filepath.Join(o.Out, weights.AdapterWeightsName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, x := range f.Tensors() {
		if strings.Contains(x.Name, "visual") {
			t.Errorf("%s has a branch", x.Name)
		}
	}
	m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56, Adapter: o.Out})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	again := o
	again.Out, again.Freeze = filepath.Join(t.TempDir(), "out"), []string{"*.layers.0.*"}
	if _, err := train.Run(context.Background(), m, again, func(train.Progress) {}); err != nil {
		t.Fatal(err)
	}
	for _, name := range moved(t, filepath.Join(o.Out, weights.AdapterWeightsName), filepath.Join(again.Out, weights.AdapterWeightsName)) {
		if strings.Contains(name, ".layers.0.") {
			t.Errorf("%s moved", name)
		}
	}
	all := o
	all.Out, all.Freeze = filepath.Join(t.TempDir(), "out"), []string{"*"}
	result(t, all)
	if names := moved(t, filepath.Join(o.Out, weights.ScoreHeadWeightsName), filepath.Join(all.Out, weights.ScoreHeadWeightsName)); len(names) == 0 {
		t.Error("the head that learns alone is that which learned with the decoder")
	}
}

// TestLosses: each loss of the score is what it says, and each gives the same bytes with one thread and with two.
func TestLosses(t *testing.T) {
	data := painted(t, 6)
	seen := map[string]string{}
	for _, loss := range train.ScoreLosses {
		o := options(t, data)
		o.ScoreLoss, o.Steps, o.Batch, o.HeadHidden = loss, 3, 3, []int{5, 4}
		if err := run(context.Background(), t, o, 1, nil); err != nil {
			t.Fatal(err)
		}
		got := digest(t, o.Out)
		if got != whole(t, o) {
			t.Errorf("%s: one thread and two give different results", loss)
		}
		for other, d := range seen {
			if d == got {
				t.Errorf("%s and %s give the same result", loss, other)
			}
		}
		seen[loss] = got
		head, err := train.ReadScoreHead(filepath.Join(o.Out, weights.ScoreHeadConfigName))
		if err != nil || !slices.Equal(head.Hidden, []int{5, 4}) || len(head.Targets) != 6 {
			t.Errorf("%s: head %+v, %v", loss, head, err)
		}
		if _, err := loupe.Load(tiny, loupe.Options{Adapter: o.Out}); err != nil {
			t.Errorf("%s: %v", loss, err)
		}
	}
}

// TestHeadOnly: the fit leaves the model as it is, scores pictures better than their mean does, and is the same bytes twice.
// A hidden layer goes on from it by gradient.
func TestHeadOnly(t *testing.T) {
	data := painted(t, 40)
	for _, hidden := range [][]int{nil, {6}} {
		o := options(t, data)
		o.HeadOnly, o.HeadHidden, o.Batch = true, hidden, 8
		r := result(t, o)
		if r.Fit == nil || r.Fit.Pictures < 20 || len(r.Fit.Targets) != 6 || r.Fit.Targets[0].Name != "score" || r.Fit.Targets[0].MAE == nil {
			t.Fatalf("the fit is %+v", r.Fit)
		}
		if digest(t, o.Out) != whole(t, o) {
			t.Error("two fits of one seed differ")
		}
		entries, err := os.ReadDir(o.Out)
		if err != nil || len(entries) != 4 { // the head, its configuration, how pictures were shown, and the records held out
			t.Errorf("written: %v, %v", entries, err)
		}
		m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56, Head: o.Out})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		records, err := train.ReadRecords(o.Data)
		if err != nil {
			t.Fatal(err)
		}
		e, err := train.Evaluate(context.Background(), m, records, train.EvalOptions{Options: metrics.Options{Resamples: -1}})
		if err != nil {
			t.Fatal(err)
		}
		if !(e.R2.Value > 0.1) {
			t.Errorf("hidden %v: the squared error is %v of the mean's", hidden, 1-e.R2.Value)
		}
	}
}

// TestStartFromTheFit: train.Options.HeadInit ridge begins with a smaller loss of the score than a head of zeros does.
func TestStartFromTheFit(t *testing.T) {
	o := options(t, painted(t, 20))
	o.Steps, o.Batch = 1, 16
	zero := result(t, o)
	fitted := o
	fitted.Out, fitted.HeadInit = filepath.Join(t.TempDir(), "out"), "ridge"
	ridge := result(t, fitted)
	if ridge.Fit == nil || !(ridge.Last.ScoreLoss < zero.Last.ScoreLoss) {
		t.Errorf("fitted first the loss of the score is %v, from zero %v", ridge.Last.ScoreLoss, zero.Last.ScoreLoss)
	}
}

// TestBest: the records for evaluation are measured when they are due, the best step is what is written, patience ends a run
// that gets no better, and a run that was stopped in between ends as one that was not.
func TestBest(t *testing.T) {
	o := options(t, painted(t, 12))
	o.Steps, o.EvalEvery, o.Patience, o.LR, o.Schedule.Kind = 30, 1, 2, 0.05, "constant"
	r := result(t, o)
	if r.Steps == 30 || r.Eval == nil || r.Eval.After != r.Kept || r.Kept != r.Steps-2 {
		t.Fatalf("%d steps, kept %d, measured %+v", r.Steps, r.Kept, r.Eval)
	}
	data, err := os.ReadFile(filepath.Join(o.Out, "eval.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	n, least := 0, train.EvalLine{Loss: 1e9}
	for line := range bytes.Lines(data) {
		var l train.EvalLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		n++
		if l.After != n || l.MAE == nil {
			t.Errorf("measurement %d is %+v", n, l)
		}
		if l.Loss < least.Loss {
			least = l
		}
	}
	if least.After != r.Kept || n != r.Steps {
		t.Errorf("%d measurements, the best after step %d; kept %d", n, least.After, r.Kept)
	}
	for _, name := range []string{"curves.png", "curves.html"} {
		if info, err := os.Stat(filepath.Join(o.Out, name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	want := digest(t, o.Out)

	short := o // the same run, cut off where the best step is
	short.Out, short.Steps, short.EvalEvery, short.Patience = filepath.Join(t.TempDir(), "out"), r.Kept, 0, 0
	result(t, short)
	for _, name := range []string{weights.AdapterWeightsName, weights.ScoreHeadWeightsName} {
		if names := moved(t, filepath.Join(short.Out, name), filepath.Join(o.Out, name)); len(names) > 0 {
			t.Errorf("%s is not that of step %d: %v", name, r.Kept, names)
		}
	}
	for _, at := range []int{1, r.Kept, r.Steps - 1} {
		for _, stage := range []string{"train", "evaluate"} {
			stopped := o
			stopped.Out = filepath.Join(t.TempDir(), "out")
			ctx, cancel := context.WithCancel(context.Background())
			err := run(ctx, t, stopped, 2, func(p train.Progress) {
				if done := len(lines(stopped.Out)); p.Stage == stage && done == at {
					cancel()
				}
			})
			var told *train.Stopped
			if !errors.As(err, &told) {
				t.Fatalf("stopped with: %v", err)
			}
			finish(t, stopped, want)
			if got, err := os.ReadFile(filepath.Join(stopped.Out, "eval.jsonl")); err != nil || !bytes.Equal(got, data) {
				t.Errorf("stopped in %s of step %d: the measurements are %s, want %s: %v", stage, at, got, data, err)
			}
		}
	}
}

// lines are those of the log of a run.
func lines(out string) []string {
	data, err := os.ReadFile(filepath.Join(out, "log.jsonl"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// TestCurves: the page needs nothing but itself, and the picture is one.
func TestCurves(t *testing.T) {
	o := options(t, painted(t, 8))
	o.Steps, o.EvalEvery, o.EvalSplit = 3, 2, 0.25
	result(t, o)
	text, err := os.ReadFile(filepath.Join(o.Out, "curves.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<svg", "</html>", "evaluation", "loss of the critique", "learning rate"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("curves.html has no %q", part)
		}
	}
	for _, part := range []string{"src=", "href=\"http", "<script", "0xc0"} {
		if strings.Contains(string(text), part) {
			t.Errorf("curves.html has %q", part)
		}
	}
	f, err := os.Open(filepath.Join(o.Out, "curves.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 500 {
		t.Errorf("curves.png: %v", err)
	}
}

// TestOptions: what cannot be meant is refused, by the name of the flag.
func TestOptions(t *testing.T) {
	good := options(t, t.TempDir())
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for flag, spoil := range map[string]func(*train.Options){
		"train.Options.Data":            func(o *train.Options) { o.Data = "" },
		"train.Options.Out":             func(o *train.Options) { o.Out = "" },
		"train.Options.Steps":           func(o *train.Options) { o.Steps = 0 },
		"train.Options.Batch":           func(o *train.Options) { o.Batch = 0 },
		"train.Options.LR":              func(o *train.Options) { o.LR = 0 },
		"train.Options.VisionLR":        func(o *train.Options) { o.VisionLR = rate(-1) },
		"train.Options.EvalSplit":       func(o *train.Options) { o.EvalSplit = 1 },
		"train.Options.Patience":        func(o *train.Options) { o.Patience = 1 },
		"train.Options.EvalEvery":       func(o *train.Options) { o.EvalEvery = -1 },
		"train.Options.ScoreLoss":       func(o *train.Options) { o.ScoreLoss = "cubic" },
		"train.Options.ScoreLoss rank":  func(o *train.Options) { o.ScoreLoss, o.Batch = train.PairwiseLoss, 1 },
		"train.Options.HeadHidden":      func(o *train.Options) { o.HeadHidden = []int{0} },
		"train.Options.HeadInit":        func(o *train.Options) { o.HeadInit = "ones" },
		"train.Options.ScoreRange":      func(o *train.Options) { o.ScoreRange = []float64{2, 1} },
		"train.Schedule.Kind":           func(o *train.Options) { o.Schedule.Kind = "steps" },
		"train.Options.HeadOnly":        func(o *train.Options) { o.HeadOnly, o.Full = true, true },
		"train.Options.CheckpointEvery": func(o *train.Options) { o.CheckpointEvery = -1 },
	} {
		o := good
		spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestLearnsInEachPrecision: branches learn beside weights that are rounded or quantized, and all weights do not.
func TestLearnsInEachPrecision(t *testing.T) {
	dir := painted(t, 2)
	for _, precision := range []string{"bf16", "int8", "int4"} {
		m, err := loupe.Load(tiny, loupe.Options{MaxPixels: 56 * 56, Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		full := options(t, dir)
		full.Full = true
		if _, err := train.Run(context.Background(), m, full, func(train.Progress) {}); err == nil || !strings.Contains(err.Error(), "train.Options.Full") {
			t.Errorf("%s: train.Options.Full gives %v", precision, err)
		}
		o := options(t, dir)
		o.LoRA = train.LoRAOptions{Rank: 4}
		o.LR, o.Steps = 1e-2, 6
		var losses []float64
		_, err = train.Run(context.Background(), m, o, func(p train.Progress) {
			if p.Last != nil {
				losses = append(losses, p.Last.Loss)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if first, last := losses[0], losses[len(losses)-1]; !(last < first/2) {
			t.Errorf("%s: the loss goes from %v to %v", precision, first, last)
		}
	}
}
