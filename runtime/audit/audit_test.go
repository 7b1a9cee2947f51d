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
	"sync"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
)

// embedded is the embedded model, on pictures that are quick.
func embedded(t testing.TB, o loupe.Options) *loupe.Model {
	t.Helper()
	if o.MaxPixels == 0 {
		o.MaxPixels = 28 * 28 * 16
	}
	m, err := loupe.Embedded(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// judged is a request to score the embedded picture, with a critique of a few words or without.
func judged(t testing.TB, critique bool) Request {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "picture")
	if err := os.WriteFile(path, demo.Picture(), 0o666); err != nil {
		t.Fatal(err)
	}
	pictures, err := loupe.Pictures([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, sources := loupe.KeepSources(context.Background())
	img, err := pictures[0].Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	q := Request{Command: "score", Input: loupe.JudgeInput(img, loupe.Rubric, loupe.ScorePrompt), Sources: sources.List, Answer: critique}
	q.Generation.MaxTokens = 3
	return q
}

// filled is a directory of records with a score, a critique and an answer to a text, and what was decided.
func filled(t testing.TB) (string, []*Outcome) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audits")
	b, err := OpenBook(dir, Options{Name: "example.org/gallery"})
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(b, embedded(t, loupe.Options{}))
	text := Request{Command: "generate", Input: loupe.Ask("What is this?"), Answer: true}
	text.Generation.MaxTokens, text.Generation.Temperature, text.Generation.Seed = 4, 0.8, 7
	explained := judged(t, false)
	explained.Explain = []string{"contribution"}
	var out []*Outcome
	for _, q := range []Request{explained, judged(t, true), text} {
		o, err := r.Decide(context.Background(), q, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, out
}

// verdicts replays every decision.
func verdicts(t testing.TB, dir string, p Replay) []Verdict {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var out []Verdict
	err = a.Records(context.Background(), func(r *Record) error {
		if r.Decision == nil {
			return nil
		}
		v, err := a.Verify(context.Background(), r, &p)
		out = append(out, v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func check(dir string) (*Checked, error) {
	a, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return a.Check(context.Background())
}

// TestDecisionsReplay: what was decided is identical with any number of threads and any kernels, and the record says what came out.
func TestDecisionsReplay(t *testing.T) {
	dir, outcomes := filled(t)
	for _, p := range []Replay{{}, {Threads: 1}, {Kernels: "generic"}} {
		for i, v := range verdicts(t, dir, p) {
			if !v.Identical || v.Entry != outcomes[i].Entry {
				t.Errorf("threads %d, kernels %q: %+v", p.Threads, p.Kernels, v)
			}
		}
	}
	c, err := check(dir)
	if err != nil || c.Decisions != 3 || len(c.Notes) > 0 {
		t.Fatalf("check: %+v, %v", c, err)
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Record(1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Decision.Scores[0].Clamped.Float()
	if err != nil || got != outcomes[1].Score.Score {
		t.Errorf("the record has score %v (%v), and %v was given", got, err, outcomes[1].Score.Score)
	}
	text, err := readJSON[answered](a.kept, r.Decision.Answered, true)
	if err != nil || text.Text != outcomes[1].Text {
		t.Errorf("the record has %q (%v), and %q was given", text.Text, err, outcomes[1].Text)
	}
	if len(r.Entry) > 1<<16 {
		t.Errorf("a record has %d bytes", len(r.Entry))
	}
}

// TestEveryFlippedBitIsNamed: a changed byte of any file but the private key is found, by an error that names it or its entry.
func TestEveryFlippedBitIsNamed(t *testing.T) {
	dir, _ := filled(t)
	places := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == keyFile || e.Name() == ".loupe-lock" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, at := range []int{0, len(data) / 2, len(data) - 2} {
			if at < 0 {
				continue
			}
			bad := bytes.Clone(data)
			bad[at] ^= 1
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				return err
			}
			places++
			_, err := check(dir)
			if err == nil {
				t.Errorf("byte %d of %s was changed, and the check passes", at, path)
				continue
			}
			for _, name := range []string{"entr", "checkpoint", "tile/", "kept", "key"} {
				if strings.Contains(err.Error(), name) {
					err = nil
					break
				}
			}
			if err != nil {
				t.Errorf("byte %d of %s: the error names nothing: %v", at, path, err)
			}
		}
		return os.WriteFile(path, data, 0o666)
	})
	if err != nil || places < 30 {
		t.Fatalf("%d places: %v", places, err)
	}
	if _, err := check(dir); err != nil {
		t.Fatalf("put back as it was: %v", err)
	}
}

// TestMissingFileIsNamed: a kept file that is gone is found, and so is one that nobody wrote.
func TestMissingFileIsNamed(t *testing.T) {
	dir, _ := filled(t)
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	path := a.kept.path(r.Decision.Asked)
	if err := os.Rename(path, path+".bak"); err != nil {
		t.Fatal(err)
	}
	if _, err := check(dir); err == nil || !strings.Contains(err.Error(), "entry 0") {
		t.Errorf("a kept file is gone: %v", err)
	}
	if err := os.Rename(path+".bak", path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, keptName, "strange"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := check(dir); err == nil || !strings.Contains(err.Error(), "strange") {
		t.Errorf("a strange file: %v", err)
	}
}

// TestRedaction: pictures and words go, the log says so and stays whole, and the decision is not replayed any more; the others are.
func TestRedaction(t *testing.T) {
	dir, _ := filled(t)
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx := context.Background()
	if _, err := b.Redact(ctx, []int64{0}, RedactOptions{}); err == nil || !strings.Contains(err.Error(), "entry 1") {
		t.Errorf("entries 0 and 1 share a picture: %v", err)
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Record(0)
	if err != nil {
		t.Fatal(err)
	}
	gone := r.Decision.personal()
	done, err := b.Redact(ctx, []int64{0, 1}, RedactOptions{By: "me", Why: "on request"})
	if err != nil || done.Files < len(gone) {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, d := range gone {
		if a.kept.has(d) {
			t.Errorf("%s is still there", d)
		}
	}
	c, err := check(dir)
	if err != nil || c.Redactions != 1 || c.Redacted == 0 {
		t.Errorf("check: %+v, %v", c, err)
	}
	for i, v := range verdicts(t, dir, Replay{}) {
		if v.Redacted != (i < 2) || v.Identical == v.Redacted {
			t.Errorf("%+v", v)
		}
	}
	// A stone that points at an entry which redacts nothing is no excuse.
	stone := a.kept.path(gone[0]) + redactedSuffix
	if err := os.WriteFile(stone, []byte("2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := check(dir); err == nil {
		t.Error("a file that no entry redacts is missing, and the check passes")
	}
}

// TestReviewAndKeys: reviews are appended and signed, keys are added and retired, and what a retired key signs counts for nothing.
func TestReviewAndKeys(t *testing.T) {
	dir, _ := filled(t)
	ctx := context.Background()
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	score := 70.0
	for what, try := range map[string]func() error{
		"no reviewer": func() error { _, err := b.Review(ctx, 0, "", &score, "", "because"); return err },
		"no entry":    func() error { _, err := b.Review(ctx, 99, "", &score, "me", "because"); return err },
		"no target":   func() error { _, err := b.Review(ctx, 0, "beauty", &score, "me", "because"); return err },
	} {
		if try() == nil {
			t.Errorf("%s: reviewed", what)
		}
	}
	if _, err := b.Review(ctx, 0, "", &score, "me", "because"); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "second.key")
	if _, err := b.AddKey(ctx, second, "rotation"); err != nil {
		t.Fatal(err)
	}
	first := b.Key()
	if err := b.RetireKey(ctx, first.ID(), ""); err == nil {
		t.Error("a book retires its own key")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBook(dir, Options{KeyFile: second}); err != nil {
		t.Fatal(err)
	}
	if err := b.RetireKey(ctx, first.ID(), "over"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Review(ctx, 1, "", nil, "me", "well done"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := check(dir)
	if err != nil || c.Reviews != 2 {
		t.Fatalf("check: %+v, %v", c, err)
	}
	a, err := Open(dir, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(ctx); err != nil {
		t.Errorf("whoever trusts the first key alone: %v", err)
	}
	if b, err = OpenBook(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Review(ctx, 1, "", nil, "me", "signed by a key that is retired"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := check(dir); err == nil || !strings.Contains(err.Error(), "valid") {
		t.Errorf("an entry that a retired key signed: %v", err)
	}
	stranger, err := NewKey("example.org/gallery")
	if err != nil {
		t.Fatal(err)
	}
	if a, err = Open(dir, stranger.Public()); err == nil {
		if _, err = a.Check(ctx); err == nil {
			t.Error("whoever trusts another key believes the log")
		}
	}
}

// TestManyWriters: requests from many goroutines each get their own entry, all of them durable and in order.
func TestManyWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audits")
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	seen := make([]bool, n)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			e := event{kind: KeyPredicate, predicate: &KeyChange{Why: fmt.Sprint(i)}, files: [][]byte{[]byte(fmt.Sprint(i % 7))}}
			at, err := b.add(context.Background(), e)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[at] {
				t.Errorf("entry %d: %v, taken before: %v", at, err, err == nil && seen[at])
				return
			}
			seen[at] = true
		})
	}
	wg.Wait()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.add(context.Background(), event{}); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
	if c, err := check(dir); err != nil || c.Entries != n {
		t.Errorf("check: %+v, %v", c, err)
	}
}

// TestBrokenWrite: a decision that cannot be written is refused, those before it stay, and the book goes on once there is room.
func TestBrokenWrite(t *testing.T) {
	dir, _ := filled(t)
	b, err := OpenBook(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	// A file in the place of a folder of tiles makes every write fail, for root too.
	at := filepath.Join(dir, logName, "tile", "entries", "000.p")
	if err := os.Rename(at, at+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Review(context.Background(), 0, "", nil, "me", "x"); err == nil {
		t.Fatal("a review that cannot be read or written is taken")
	}
	e := event{kind: KeyPredicate, predicate: &KeyChange{Why: "x"}}
	if _, err := b.add(context.Background(), e); err == nil || !strings.Contains(err.Error(), "could not be recorded") {
		t.Errorf("an entry that cannot be written: %v", err)
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at+".away", at); err != nil {
		t.Fatal(err)
	}
	if n, err := b.add(context.Background(), e); err != nil || n != 3 {
		t.Errorf("once there is room: entry %d, %v", n, err)
	}
	if c, err := check(dir); err != nil || c.Entries != 4 {
		t.Errorf("check: %+v, %v", c, err)
	}
}

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

// fixedTime is a time that tests can write down.
var fixedTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

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
		a, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Record(n)
		if err != nil {
			t.Fatal(err)
		}
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
