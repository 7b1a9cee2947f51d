package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/runtime/train/sbert"
	"github.com/loupe-vl/loupe/weights"
)

// encoder is one of the sentence encoders' tests.
func encoder(t testing.TB) *sbert.Encoder {
	t.Helper()
	engine, err := kernels.New(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	e, err := sbert.Load(filepath.Join("sbert", "testdata", "mean"), cpu.New(engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func embedded(t testing.TB, o loupe.Options) *loupe.Model {
	t.Helper()
	o.MaxPixels = 56 * 56
	m, err := loupe.Embedded(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func paintedRecords(t *testing.T, n int) []train.Record {
	t.Helper()
	records, err := train.ReadRecords(filepath.Join(painted(t, n), paint.DataName))
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// evaluation is an evaluation and its lines.
func evaluation(t *testing.T, m *loupe.Model, records []train.Record, o train.EvalOptions) (*train.Evaluation, []train.Prediction) {
	t.Helper()
	var lines bytes.Buffer
	o.Lines, o.Resamples = &lines, 50
	e, err := train.Evaluate(context.Background(), m, records, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []train.Prediction
	for line := range bytes.Lines(lines.Bytes()) {
		var j train.Prediction
		if err := json.Unmarshal(line, &j); err != nil {
			t.Fatal(err)
		}
		out = append(out, j)
	}
	return e, out
}

// TestEvaluateCritiques: writing critiques changes no score; the report's cosine is the mean of the lines', and the control's
// that of other pictures' references.
func TestEvaluateCritiques(t *testing.T) {
	records := paintedRecords(t, 5)
	records[3].Critique = "" // has a score only
	m, enc := embedded(t, loupe.Options{}), encoder(t)
	plain, lines := evaluation(t, m, records, train.EvalOptions{})
	e, with := evaluation(t, m, records, train.EvalOptions{Encoder: enc, Generation: loupe.Generation{MaxTokens: 6}})
	if d := cmp.Diff(plain.Report, e.Report); d != "" || plain.Similarity != nil {
		t.Errorf("critiques change the scores: %s", d)
	}
	if e.Critiques != 4 || len(with) != 5 || e.N != 5 || len(e.Targets) != 5 {
		t.Fatalf("%d critiques, %d lines, %d scores, %d other targets; want 4, 5, 5, 5", e.Critiques, len(with), e.N, len(e.Targets))
	}
	var own, other []float64
	embed := func(text string) []float32 {
		v, err := enc.Embed(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var compared []int
	for i, j := range with {
		if lines[i].Critique != nil || j.Critique == nil || *lines[i].Predicted != *j.Predicted {
			t.Errorf("line %d: %v and %v", i, lines[i], j)
		}
		if (j.Cosine == nil) != (i == 3) {
			t.Fatalf("line %d: cosine %v", i, j.Cosine)
		}
		if i != 3 {
			compared = append(compared, i)
		}
	}
	order := metrics.Derangement(4, 0)
	for k, i := range compared {
		written := embed(*with[i].Critique)
		own = append(own, sbert.Cosine(written, embed(records[i].Critique)))
		other = append(other, sbert.Cosine(written, embed(records[compared[order[k]]].Critique)))
		if *with[i].Cosine != own[k] {
			t.Errorf("line %d: cosine %v, want %v", i, *with[i].Cosine, own[k])
		}
	}
	mean := func(x []float64) float64 { return (x[0] + x[1] + x[2] + x[3]) / 4 }
	if math.Abs(e.SBERT.Value-mean(own)) > 1e-12 || math.Abs(e.Shuffled.Value-mean(other)) > 1e-12 {
		t.Errorf("sbert %v, shuffled %v, want %v and %v", e.SBERT.Value, e.Shuffled.Value, mean(own), mean(other))
	}
	text, err := json.Marshal(e)
	if err != nil || !strings.Contains(string(text), `"sbert":{"value":`) || !strings.Contains(string(text), `"sbert_shuffled":{"value":`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestEvaluateLeavesBadPicturesOut: a picture that is damaged or gone has its line and its error; the others count.
func TestEvaluateLeavesBadPicturesOut(t *testing.T) {
	records := paintedRecords(t, 5)
	if err := os.WriteFile(records[1].Image, []byte("\x89PNG\r\n\x1a\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(records[4].Image); err != nil {
		t.Fatal(err)
	}
	m := embedded(t, loupe.Options{})
	e, lines := evaluation(t, m, records, train.EvalOptions{})
	if e.N != 3 || e.Failed != 2 || len(lines) != 5 {
		t.Fatalf("%d scores, %d failed, %d lines; want 3, 2, 5", e.N, e.Failed, len(lines))
	}
	err := e.Err()
	for _, part := range []string{"2 of 5", "line 2", "line 5"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
	for i, j := range lines {
		if bad := i == 1 || i == 4; (j.Error != "") != bad || (j.Predicted == nil) != bad {
			t.Errorf("line %d: %+v", i, j)
		}
	}
	good := slices.Clone(records[:4])
	good = slices.Delete(good, 1, 2)
	alone, _ := evaluation(t, m, good, train.EvalOptions{})
	if d := cmp.Diff(alone.Report, e.Report); d != "" || alone.Err() != nil {
		t.Errorf("beside bad pictures the report is another: %s", d)
	}
	if _, err := train.Evaluate(context.Background(), m, records[4:], train.EvalOptions{}); err == nil || !strings.Contains(err.Error(), "line 5") {
		t.Errorf("error %v where every picture is bad", err)
	}
}

// TestEvaluateHidesTheAnswer: a head that reads the decoder is not shown the record's critique.
func TestEvaluateHidesTheAnswer(t *testing.T) {
	head := t.TempDir()
	config := &weights.ScoreHeadConfig{Version: 1, Input: weights.NormInput, Pool: weights.PoolLast, Targets: []weights.ScoreTarget{{Name: "score", Mean: 50, Std: 10, Min: 1, Max: 100}}}
	if err := weights.WriteScoreHead(filepath.Join(head, weights.ScoreHeadConfigName), config); err != nil {
		t.Fatal(err)
	}
	width := embedded(t, loupe.Options{}).Config.Text.HiddenSize
	row := make([]float32, width)
	for i := range row {
		row[i] = float32(i%7) / 10
	}
	tensors := []weights.Named{weights.FromF32("score_head.weight", []int{1, width}, row), weights.FromF32("score_head.bias", []int{1}, []float32{0})}
	if err := weights.Write(filepath.Join(head, weights.ScoreHeadWeightsName), tensors, nil); err != nil {
		t.Fatal(err)
	}
	m := embedded(t, loupe.Options{Head: head})
	records := paintedRecords(t, 3)
	first, _ := evaluation(t, m, records, train.EvalOptions{})
	for i := range records {
		records[i].Critique = "Something else altogether."
	}
	again, _ := evaluation(t, m, records, train.EvalOptions{})
	if d := cmp.Diff(first.Pairs, again.Pairs); d != "" {
		t.Errorf("the scores depend on the critiques: %s", d)
	}
}

// TestEvaluateTargetsInTheirUnits: each target is judged by itself, its kappa in its own steps.
func TestEvaluateTargetsInTheirUnits(t *testing.T) {
	m := embedded(t, loupe.Options{})
	for i := range m.Head.Config.Targets {
		if t := &m.Head.Config.Targets[i]; t.Name != "score" {
			t.Mean, t.Std, t.Min, t.Max = t.Mean/10, t.Std/10, 0, 10
		}
	}
	records := paintedRecords(t, 6)
	for i := range records {
		for name, v := range records[i].Targets {
			records[i].Targets[name] = v / 10
		}
	}
	e, lines := evaluation(t, m, records, train.EvalOptions{})
	var p metrics.Pairs
	for _, j := range lines {
		p.Truth, p.Predicted = append(p.Truth, j.Targets["color"]), append(p.Predicted, j.Outputs["color"])
	}
	want, err := metrics.Evaluate(context.Background(), p, metrics.Options{Resamples: 50})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, e.Targets["color"]); d != "" {
		t.Error(d)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	records := paintedRecords(t, 2)
	bare, scored := slices.Clone(records), slices.Clone(records)
	for i := range bare {
		bare[i].Score, bare[i].Targets = nil, nil
		scored[i].Critique = ""
	}
	with, without := embedded(t, loupe.Options{}), embedded(t, loupe.Options{})
	without.Head = nil
	for name, c := range map[string]struct {
		m       *loupe.Model
		records []train.Record
		o       train.EvalOptions
		want    string
	}{
		"no head":                {without, records, train.EvalOptions{}, "Options.Head"},
		"no scores":              {with, bare, train.EvalOptions{}, "train.EvalOptions.Encoder"},
		"no critiques":           {with, scored, train.EvalOptions{Encoder: encoder(t)}, "no record has a critique"},
		"a head for the numbers": {without, records, train.EvalOptions{Encoder: encoder(t)}, "Options.Head"},
	} {
		if _, err := train.Evaluate(context.Background(), c.m, c.records, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	// Critiques alone need no head.
	e, _ := evaluation(t, without, bare, train.EvalOptions{Encoder: encoder(t), Generation: loupe.Generation{MaxTokens: 3}})
	if text, err := json.Marshal(e); err != nil || e.Report != nil || e.Critiques != 2 || !strings.HasPrefix(string(text), `{"critiques":2,"sbert":`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestEvaluateStops: what was judged before is in the lines.
func TestEvaluateStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var lines bytes.Buffer
	o := train.EvalOptions{Lines: &lines, Done: func(n int) {
		if n == 2 {
			stop()
		}
	}}
	if _, err := train.Evaluate(ctx, embedded(t, loupe.Options{}), paintedRecords(t, 4), o); err != context.Canceled {
		t.Errorf("error %v, want the context's", err)
	}
	if n := bytes.Count(lines.Bytes(), []byte("\n")); n != 2 {
		t.Errorf("%d lines, want the two that were done", n)
	}
}

func TestReadCritiques(t *testing.T) {
	for _, text := range []string{
		"reference,critique\na,b\nc,\"d, e\"\n", "\ufeffCritique;id;Reference\r\nb;1;a\r\n\"d, e\";2;c\r\n", "reference\tcritique\na\tb\nc\td, e",
	} {
		references, critiques, err := train.ReadCritiques(strings.NewReader(text), "t.csv")
		if err != nil || !slices.Equal(references, []string{"a", "c"}) || !slices.Equal(critiques, []string{"b", "d, e"}) {
			t.Errorf("%q: %q, %q, %v", text, references, critiques, err)
		}
	}
	for text, want := range map[string]string{
		"": "empty", "a,b\nc,d\n": "reference and critique", "reference,critique\n": "no texts", "reference,critique\na,\n": "line 2: a text is empty",
		"reference,critique\na\n": "wrong number of fields", "reference,critique\n\"a,b\n": "quote", "\xff\xfer": "UTF-16",
	} {
		if _, _, err := train.ReadCritiques(strings.NewReader(text), "t.csv"); err == nil || !strings.HasPrefix(err.Error(), "t.csv: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// TestReadRecordsAsSpreadsheetsWrite: what train reads, with marks, quotes, semicolons and capitals.
func TestReadRecordsAsSpreadsheetsWrite(t *testing.T) {
	for name, text := range map[string]string{
		"plain":      "image,score,critique,texture\na.png,5.5,\"Good, bold\",7\n",
		"mark":       "\ufeff\"image\",\"score\",\"critique\",\"texture\"\r\n\"a.png\",\"5.5\",\"Good, bold\",\"7\"\r\n",
		"semicolons": "Image;Score;Critique;texture\r\na.png;5.5;Good, bold;7\r\n",
		"tabs":       "image\tscore\tcritique\ttexture\na.png\t5.5\tGood, bold\t7\n",
	} {
		path := filepath.Join(t.TempDir(), "d.csv")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if !train.IsTableOfRecords([]byte(text), nil) {
			t.Errorf("%s: no table of records", name)
		}
		records, err := train.ReadRecords(path)
		if err != nil || len(records) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r := records[0]; filepath.Base(r.Image) != "a.png" || *r.Score != 5.5 || r.Critique != "Good, bold" || r.Targets["texture"] != 7 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	path := filepath.Join(t.TempDir(), "d.csv")
	if err := os.WriteFile(path, []byte("image;score\na.png;5,5\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := train.ReadRecords(path); err == nil || !strings.Contains(err.Error(), `column score: "5,5" is not a number: write it with a point, 5.5`) {
		t.Errorf("error %v, want one that shows how to write 5.5", err)
	}
}
