package loupe_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
)

// TestScoreInput: a score is asked for in the words that the model was taught with, and without such in those of the rubric, as the
// command line asks.
func TestScoreInput(t *testing.T) {
	ctx := context.Background()
	img := picture.Image{Width: 112, Height: 112, Pix: make([]byte, 3*112*112)}
	load := func(context.Context) (picture.Image, error) { return img, nil }
	plain := embedded(t, loupe.Options{})
	dir := t.TempDir()
	if err := plain.Stored().CopyBeside(dir, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{weights.SingleName, weights.ScoreHeadConfigName, weights.ScoreHeadWeightsName} {
		data, err := fs.ReadFile(plain.Stored().Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	system, question := "Be strict.", "How good is it?"
	taught := &weights.InputSettings{Version: 1, MinPixels: plain.Processor.MinPixels, MaxPixels: plain.Processor.MaxPixels, System: &system, Question: &question}
	if err := weights.WriteInputSettings(filepath.Join(dir, weights.InputSettingsName), taught); err != nil {
		t.Fatal(err)
	}
	own, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for _, c := range []struct {
		m                *loupe.Model
		system, question string
	}{{plain, loupe.Rubric, loupe.DefaultQuestion}, {own, system, question}} {
		p, err := c.m.Prepare(ctx, c.m.ScoreInput(img))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.Text, c.system) || !strings.Contains(p.Text, c.question) {
			t.Errorf("%s is asked %q, want %q and %q", c.m.Name(), p.Text, c.system, c.question)
		}
		got, err := c.m.Score(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := c.m.ScoreAndCritique(ctx, loupe.Picture{Load: load}, c.system, c.question, false, loupe.Generation{})
		if err != nil || got.Score != want.Score {
			t.Errorf("%s scores %v, and by the command's way %v, %v", c.m.Name(), got.Score, want.Score, err)
		}
	}
}
