package train_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/runtime/train"
)

// tiny is the committed checkpoint of the golden tests: real arithmetic, random weights.
var tiny = filepath.Join("..", "testdata", "golden", "model")

// painted is a directory of n painted pictures, listed in its data.jsonl.
func painted(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := paint.Write(context.Background(), dir, n, 5, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// options are a short LoRA run on the pictures of dir.
func options(t *testing.T, dir string) train.Options {
	return train.Options{
		Data: filepath.Join(dir, paint.DataName), Out: filepath.Join(t.TempDir(), "out"), LoRA: train.LoRAOptions{Rank: 2, Dropout: 0.1},
		Steps: 5, Batch: 2, Accumulate: 1, LR: 1e-3, Decay: 0.01, Clip: 1, ScoreWeight: 1, Schedule: train.Schedule{Kind: "cosine", Warmup: 1},
		Seed: 3, Shuffle: true, CheckpointEvery: 2,
	}
}

// run loads the tiny model and trains it. watch is told of each step.
func run(ctx context.Context, t *testing.T, o train.Options, threads int, watch func(train.Progress)) error {
	t.Helper()
	return runWith(ctx, t, o, loupe.Options{Threads: threads}, watch)
}

// runWith is run of a model that is loaded as said.
func runWith(ctx context.Context, t *testing.T, o train.Options, load loupe.Options, watch func(train.Progress)) error {
	t.Helper()
	load.MaxPixels = 56 * 56
	m, err := loupe.Load(tiny, load)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if watch == nil {
		watch = func(train.Progress) {}
	}
	_, err = train.Run(ctx, m, o, watch)
	return err
}

// digest is of the results in a directory: every safetensors file and the configurations beside them.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing in %s: %v", dir, err)
	}
	for _, f := range files {
		if ext := filepath.Ext(f); ext != ".safetensors" && ext != ".json" {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		h.Write([]byte(filepath.Base(f)))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// steps are the numbers of the steps in a run's log, in its order.
func steps(t *testing.T, dir string) []int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for line := range bytes.Lines(data) {
		var l train.LogLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l.Step)
	}
	return out
}

// whole is a run that nothing disturbs, in a directory of its own: the digest of its results.
func whole(t *testing.T, o train.Options) string {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "whole")
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	return digest(t, o.Out)
}

// finish goes on with a run and holds it to one that nothing disturbed.
func finish(t *testing.T, o train.Options, want string) {
	t.Helper()
	o.Resume = true
	if err := run(context.Background(), t, o, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := digest(t, o.Out); got != want {
		t.Error("the results differ from those of an undisturbed run")
	}
	for i, n := range steps(t, o.Out) {
		if i != n {
			t.Fatalf("line %d of the log is of step %d", i+1, n)
		}
	}
	left, _ := filepath.Glob(filepath.Join(o.Out, "checkpoints", ".*"))
	if more, _ := filepath.Glob(filepath.Join(o.Out, ".*")); len(left)+len(more) > 0 {
		t.Errorf("left behind: %v %v", left, more)
	}
}

// TestSameBytes: one seed gives one result, with one thread and with two, and another seed another.
func TestSameBytes(t *testing.T) {
	o := options(t, painted(t, 6))
	want := whole(t, o)
	if err := run(context.Background(), t, o, 1, nil); err != nil {
		t.Fatal(err)
	}
	if digest(t, o.Out) != want {
		t.Error("one thread and two give different results")
	}
	o.Seed++
	if whole(t, o) == want {
		t.Error("another seed gives the same result")
	}
}

// TestStopAndResume: a run that is told to stop writes a checkpoint, also between two of those that were asked for, and
// goes on from it.
func TestStopAndResume(t *testing.T) {
	o := options(t, painted(t, 6))
	want := whole(t, o)
	for _, at := range []int{1, 2, 3} {
		o.Out = filepath.Join(t.TempDir(), "out")
		ctx, cancel := context.WithCancel(context.Background())
		err := run(ctx, t, o, 2, func(p train.Progress) {
			if p.Stage == "train" && p.Done == at {
				cancel()
			}
		})
		var stopped *train.Stopped
		if !errors.As(err, &stopped) || stopped.Step != at || !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after step %d with: %v", at, err)
		}
		if err := run(context.Background(), t, o, 2, nil); err == nil || !strings.Contains(err.Error(), "train.Options.Resume") {
			t.Errorf("begun again over a run that is there: %v", err)
		}
		finish(t, o, want)
	}
}

// TestStopBeforeTheFirstStep loses nothing, since there is nothing.
func TestStopBeforeTheFirstStep(t *testing.T) {
	o := options(t, painted(t, 6))
	ctx, cancel := context.WithCancel(context.Background())
	err := run(ctx, t, o, 2, func(p train.Progress) {
		if p.Stage == "check" {
			cancel()
		}
	})
	var stopped *train.Stopped
	if !errors.As(err, &stopped) || stopped.Step != 0 {
		t.Fatalf("stopped with: %v", err)
	}
	finish(t, o, whole(t, o))
}

// TestVanishedPicture: a picture that goes after the check ends the run with its name, and the steps so far are kept.
func TestVanishedPicture(t *testing.T) {
	dir := painted(t, 6)
	o := options(t, dir)
	want := whole(t, o)
	away := t.TempDir()
	move := func(from, to string) {
		pictures, err := filepath.Glob(filepath.Join(from, "*.png"))
		if err != nil || len(pictures) == 0 {
			t.Fatalf("no pictures in %s: %v", from, err)
		}
		for _, p := range pictures {
			if err := os.Rename(p, filepath.Join(to, filepath.Base(p))); err != nil {
				t.Fatal(err)
			}
		}
	}
	err := run(context.Background(), t, o, 2, func(p train.Progress) {
		if p.Stage == "train" && p.Done == 3 {
			move(dir, away)
		}
	})
	if err == nil || !strings.Contains(err.Error(), ".png") || !strings.Contains(err.Error(), "line ") || !strings.Contains(err.Error(), "step 3 is saved") {
		t.Fatalf("the error is: %v", err)
	}
	o.Resume = true
	if err := run(context.Background(), t, o, 2, nil); err == nil || strings.Count(err.Error(), ".png") < 6 {
		t.Errorf("gone on without the pictures, or not all are named: %v", err)
	}
	move(away, dir)
	finish(t, o, want)
}

// TestPrecisions: a model whose weights are rounded to 8 bits learns by its branches, with one thread as with two.
func TestPrecisions(t *testing.T) {
	o := options(t, painted(t, 4))
	seen := map[string]bool{}
	for _, precision := range []string{"exact", "bf16", "int8"} {
		var got []string
		for _, threads := range []int{1, 2} {
			m, err := loupe.Load(tiny, loupe.Options{Threads: threads, MaxPixels: 56 * 56, Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			o.Out = filepath.Join(t.TempDir(), "out")
			if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err != nil {
				t.Fatalf("%s: %v", precision, err)
			}
			got = append(got, digest(t, o.Out))
		}
		if got[0] != got[1] || seen[got[0]] {
			t.Errorf("%s: one thread and two differ (%v), or it gives what another precision does (%v)", precision, got[0] != got[1], seen[got[0]])
		}
		seen[got[0]] = true
	}
}

// TestResumeOfAnotherRun: other flags, data or models are refused, not mixed in.
func TestResumeOfAnotherRun(t *testing.T) {
	o := options(t, painted(t, 6))
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	for _, c := range []struct {
		name   string
		change func(*train.Options)
		want   []string
	}{
		{"rate", func(o *train.Options) { o.LR *= 2 }, []string{"train.Options.LR is 0.002 and was 0.001", "or another train.Options.Out"}},
		{"data", func(o *train.Options) { o.Data = filepath.Join(painted(t, 5), paint.DataName) }, []string{"the data (records, their order, their pictures): not as it was"}},
		{"rank and schedule", func(o *train.Options) { o.LoRA.Rank++; o.Schedule.Kind = "linear" }, []string{"train.LoRAOptions.Rank is 3 and was 2", "train.Schedule.Kind is linear and was cosine"}},
		{"a flag more", func(o *train.Options) { o.HeadHidden = []int{4} }, []string{"train.Options.HeadHidden is [4] and was not given"}},
		{"more steps", func(o *train.Options) { o.Steps = 9 }, []string{"one of 5 steps and is now to have 9", "Options.Adapter " + o.Out}},
	} {
		other := o
		c.change(&other)
		err := run(context.Background(), t, other, 2, nil)
		if c.name == "a flag more" && err != nil && strings.Contains(err.Error(), "the model has one") {
			continue // the tiny model has a head, which is refused before
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s changed: error %v, want one with %q", c.name, err, part)
			}
		}
	}
	for _, c := range []struct {
		want    string
		options loupe.Options
	}{{"Options.MaxPixels is 7056 and was 3136", loupe.Options{MaxPixels: 84 * 84}}, {"Options.Precision is int8 and was exact", loupe.Options{MaxPixels: 56 * 56, Precision: "int8"}}} {
		m, err := loupe.Load(tiny, c.options)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := train.Run(context.Background(), m, o, func(train.Progress) {}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	var notes []string
	if err := run(context.Background(), t, o, 2, func(p train.Progress) { notes = append(notes, p.Note) }); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(notes, "\n"); !strings.Contains(said, "nothing is left to learn") || !strings.Contains(said, "Options.Adapter "+o.Out) {
		t.Errorf("of a run that was at its end it is said: %q", said)
	}
}

// TestMoreStepsAtAConstantRate: where the learning rate does not fall, a run that has ended goes on to more steps, and comes to
// what one of as many steps comes to; fewer than were taken are refused.
func TestMoreStepsAtAConstantRate(t *testing.T) {
	o := options(t, painted(t, 6))
	o.Schedule.Kind, o.CheckpointEvery = "constant", 0
	longer := o
	longer.Steps = 8
	want := whole(t, longer)
	if err := run(context.Background(), t, o, 2, nil); err != nil {
		t.Fatal(err)
	}
	longer.Out = o.Out
	finish(t, longer, want)
	o.Resume = true
	if err := run(context.Background(), t, o, 2, nil); err == nil || !strings.Contains(err.Error(), "has taken 8 steps, and train.Options.Steps or train.Options.Epochs ask for 5") {
		t.Errorf("error %v, want one of fewer steps", err)
	}
}
