package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
)

// TestChangedModelIsNamed: another tensor, template or head is named as the first thing that differs.
func TestChangedModelIsNamed(t *testing.T) {
	model := t.TempDir()
	if err := os.CopyFS(model, demo.FS()); err != nil {
		t.Fatal(err)
	}
	m, err := loupe.Load(model, loupe.Options{MaxPixels: 28 * 28 * 16})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "audits")
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewRecorder(b, m).Decide(context.Background(), judged(t, true), nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(), m.Close()); err != nil {
		t.Fatal(err)
	}
	if v := verdicts(t, dir, Replay{})[0]; !v.Identical {
		t.Fatalf("untouched: %+v", v)
	}
	for _, c := range []struct {
		file, want string
		change     func([]byte) []byte
	}{
		{"model.safetensors", "first tensor that differs is", func(b []byte) []byte { b[len(b)-3] ^= 4; return b }},
		{"score_head.safetensors", "score_head.safetensors", func(b []byte) []byte { b[len(b)-3] ^= 4; return b }},
		{"config.json", "config.json", func(b []byte) []byte { return append(b, ' ') }},
		{"tokenizer_config.json", "tokenizer_config.json", func(b []byte) []byte { return append(b, '\n') }},
	} {
		path := filepath.Join(model, c.file)
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.change(bytes.Clone(data)), 0o666); err != nil {
			t.Fatal(err)
		}
		if v := verdicts(t, dir, Replay{})[0]; v.Identical || !strings.Contains(v.First, c.want) || !strings.Contains(v.First, c.file) {
			t.Errorf("%s was changed: %+v", c.file, v)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProofStandsAlone: a proof's directory is believed and replayed without the log.
func TestProofStandsAlone(t *testing.T) {
	dir, _ := filled(t)
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "proof")
	if err := a.WriteProof(context.Background(), 1, out); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(out, proofRecord)
	alone, r, err := OpenProof(record)
	if err != nil {
		t.Fatal(err)
	}
	var p Replay
	defer p.Close()
	if v, err := alone.Verify(context.Background(), r, &p); err != nil || !v.Identical {
		t.Errorf("%+v, %v", v, err)
	}
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(record, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenProof(record); err == nil {
		t.Error("a changed record is believed")
	}
}

// TestOlderThan lists decisions by age.
func TestOlderThan(t *testing.T) {
	dir, _ := filled(t)
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[time.Time]int{time.Now().Add(time.Hour): 3, time.Now().Add(-time.Hour): 0} {
		got, err := a.OlderThan(context.Background(), limit)
		if err != nil || len(got) != want {
			t.Errorf("before %v: %v, %v", limit, got, err)
		}
	}
}

// TestPage: the page of a decision shows what was given and that it came out the same, needs nothing from elsewhere, and escapes what
// people wrote; of a redacted one it shows no picture.
func TestPage(t *testing.T) {
	dir, outcomes := filled(t)
	ctx := context.Background()
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	score := 70.0
	if _, err := b.Review(ctx, 1, "", &score, "me", "<script>alert(1)</script>"); err != nil {
		t.Fatal(err)
	}
	show := func(n int64) string {
		a, r := record(t, dir, n)
		var p Replay
		defer p.Close()
		text, err := a.Page(ctx, r, &p)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := show(1)
	for _, want := range []string{"the same in every bit", fmt.Sprintf("%.1f", outcomes[1].Score.Score), "data:image/png;base64,", "&lt;script&gt;", "70 (me)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if strings.Contains(show(2), "data:image") {
		t.Error("a decision without a picture shows one")
	}
	if _, err := b.Redact(ctx, []int64{0, 1}, RedactOptions{}); err != nil {
		t.Fatal(err)
	}
	if text := show(1); !strings.Contains(text, "redacted") || strings.Contains(text, "data:image") {
		t.Error("a redacted decision is shown as if it were kept")
	}
}

// TestStats: scores are counted by week and model, reviews held against them, equal inputs found, and a differing result told.
func TestStats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audits")
	ctx := context.Background()
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(b, embedded(t, loupe.Options{}))
	var given float64
	for range 2 {
		o, err := r.Decide(ctx, judged(t, false), nil)
		if err != nil {
			t.Fatal(err)
		}
		given = o.Score.Score
	}
	score := given - 4
	if _, err := b.Review(ctx, 0, "", &score, "me", "x"); err != nil {
		t.Fatal(err)
	}
	stats := func() *Stats {
		a, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := stats()
	if s.Decisions != 2 || s.Scored != 2 || s.Repeated != 1 || len(s.Differing) != 0 || len(s.Groups) != 3 || s.Groups[0].N != 2 || s.Groups[0].Mean != given || s.Groups[0].Std != 0 {
		t.Errorf("%+v", s)
	}
	if len(s.Reviews) != 2 || s.Reviews[0].N != 1 || s.Reviews[0].Bias < 3.999 || s.Reviews[0].Bias > 4.001 {
		t.Errorf("reviews: %+v", s.Reviews)
	}
	// A record that says of equal inputs what was not so.
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	old, err := a.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	d := *old.Decision
	d.Scores = append([]Scored(nil), d.Scores...)
	d.Scores[0].Clamped, d.Scores[0].Value = Double(1), Double(1)
	if _, err := b.add(ctx, event{kind: DecisionPredicate, predicate: &d}); err != nil {
		t.Fatal(err)
	}
	if s := stats(); len(s.Differing) != 1 || s.Differing[0].Entry != 3 || s.Differing[0].Earlier != 0 {
		t.Errorf("a differing result: %+v", s.Differing)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verdicts(t, dir, Replay{}); v[2].Identical || !strings.Contains(v[2].First, "score") {
		t.Errorf("a score that was not given: %+v", v[2])
	}
}
