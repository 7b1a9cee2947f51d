package audit

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// versions holds a log of each version of the format, which must be believed for ever. LOUPE_WRITE_AUDIT=DIR writes one of today's.
const versions = "testdata/versions"

// TestLogsOfEveryVersion: the logs of old releases check, and their decisions replay, or name the release that replays them.
func TestLogsOfEveryVersion(t *testing.T) {
	dirs, err := os.ReadDir(versions)
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no logs of old versions: %v", err)
	}
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) {
			a, err := Open(filepath.Join(versions, d.Name()))
			if err != nil {
				t.Fatal(err)
			}
			c, err := a.Check(context.Background())
			if err != nil || c.Decisions < 3 || c.Reviews < 1 || c.Redactions < 1 {
				t.Fatalf("check: %+v, %v", c, err)
			}
			var p Replay
			defer p.Close()
			replayed := 0
			err = a.Records(context.Background(), func(r *Record) error {
				if r.Decision == nil {
					return nil
				}
				v, err := a.Verify(context.Background(), r, &p)
				if err != nil && strings.Contains(err.Error(), "replay it by loupe") && r.Decision.Arithmetic.Version != loupe.ArithmeticVersion {
					replayed++
					return nil
				}
				if !v.Identical && !v.Redacted && !strings.Contains(v.First, "model file") { // another embedded model may have come since
					t.Errorf("entry %d: %+v", r.Sequence, v)
				}
				replayed++
				return err
			})
			if err != nil || replayed < 3 {
				t.Errorf("%d decisions: %v", replayed, err)
			}
		})
	}
}

// TestWriteLog writes what TestLogsOfEveryVersion reads.
func TestWriteLog(t *testing.T) {
	dir := os.Getenv("LOUPE_WRITE_AUDIT")
	if dir == "" {
		t.Skip("LOUPE_WRITE_AUDIT names no directory to write a log of this version to")
	}
	ctx := context.Background()
	b, err := OpenBook(dir, Options{Name: "example.org/gallery"})
	if err != nil {
		t.Fatal(err)
	}
	r := NewRecorder(b, embedded(t, loupe.Options{}))
	small := filepath.Join(t.TempDir(), "small.png")
	for i, q := range []Request{painted(t, small, 1), painted(t, small, 2), {Command: "generate", Input: loupe.Ask("What is this?"), Answer: true}} {
		q.Generation.MaxTokens, q.Answer = 3, i > 0
		if _, err := r.Decide(ctx, q, nil); err != nil {
			t.Fatal(err)
		}
	}
	score := 55.5
	if _, err := b.Review(ctx, 0, "", &score, "A. Lovelace", "too dark"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Redact(ctx, []int64{1}, RedactOptions{By: "A. Lovelace", Why: "on request"}); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "second.key")
	if _, err := b.AddKey(ctx, second, "rotation"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, keysName, keyFile)); err != nil {
		t.Fatal(err)
	}
}

// painted is a request to score a small picture.
func painted(t *testing.T, path string, shade uint8) Request {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 84, 56))
	for y := range 56 {
		for x := range 84 {
			img.Set(x, y, color.RGBA{uint8(x) * shade, uint8(y), 90, 255})
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	pictures, err := loupe.Pictures([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, sources := loupe.KeepSources(context.Background())
	decoded, err := pictures[0].Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sources.List[0].Files[0].Name = "small.png"
	return Request{Command: "score", Input: loupe.Question(loupe.Rubric, loupe.DefaultQuestion, decoded), Sources: sources.List}
}
