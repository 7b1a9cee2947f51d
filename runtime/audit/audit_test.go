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
	q := Request{Command: "score", Input: loupe.Question(loupe.Rubric, loupe.DefaultQuestion, img), Sources: sources.List, Answer: critique}
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
	a, r := record(t, dir, 1)
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
	a, r := record(t, dir, 0)
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
	a, r := record(t, dir, 0)
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

// fixedTime is a time that tests can write down.
var fixedTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// record opens the directory of records in dir and reads entry n.
func record(t *testing.T, dir string, n int64) (*Archive, *Record) {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Record(n)
	if err != nil {
		t.Fatal(err)
	}
	return a, r
}
