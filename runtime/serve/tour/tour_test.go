package tour

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
)

func embeddedRun(t *testing.T, pictures int) Run {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	images := make([]picture.Image, pictures)
	for i := range images {
		images[i] = img
	}
	p, err := m.Prepare(context.Background(), loupe.Ask(loupe.DefaultQuestion, images...))
	if err != nil {
		t.Fatal(err)
	}
	return Run{Model: m, Prompt: p, Width: img.Width, Height: img.Height}
}

// TestWalk checks the steps, and those of their numbers that can be told in another way.
func TestWalk(t *testing.T) {
	r := embeddedRun(t, 1)
	steps, err := Walk(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	facts := map[string]string{}
	figures := map[string]*Figure{}
	for _, s := range steps {
		ids = append(ids, s.ID)
		figures[s.ID] = s.Figure
		if len(s.Text) < 100 || len(s.Why) < 100 || s.Formula == "" || len(s.Papers) == 0 || len(s.Facts) < 3 {
			t.Errorf("step %s has %d letters of text, %d of why, %d of formula, %d papers and %d facts", s.ID, len(s.Text), len(s.Why), len(s.Formula), len(s.Papers), len(s.Facts))
		}
		for _, f := range s.Facts {
			if f.Value == "" || strings.Contains(f.Value, "NaN") || strings.Contains(f.Value, "Inf") {
				t.Errorf("step %s: %s is %q", s.ID, f.Name, f.Value)
			}
			facts[s.ID+": "+f.Name] = f.Value
		}
	}
	if diff := cmp.Diff([]string{"resize", "patches", "rotary", "head", "merger", "mrope", "layer", "logits", "score"}, ids); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	s, err := r.Model.Score(context.Background(), r.Prompt)
	if err != nil {
		t.Fatal(err)
	}
	first := embeddedFirst(t, r)
	// The built-in picture has a size that the model leaves as it is.
	rows, cols := r.Height/14, r.Width/14
	for name, want := range map[string]string{
		"resize: as it was given":     fmt.Sprintf("%d x %d pixels", r.Width, r.Height),
		"patches: grid":               fmt.Sprintf("%d rows x %d columns: %d patches", rows, cols, rows*cols),
		"rotary: by hand":             facts["rotary: in the model"],
		"merger: picture tokens":      fmt.Sprintf("%d / 4 = %d", rows*cols, rows*cols/4),
		"score: together":             number(s.Targets[0].Value),
		"score: clamped to its range": number(s.Score) + ", in 1 to 100",
	} {
		if facts[name] != want {
			t.Errorf("%s is %q, want %q", name, facts[name], want)
		}
	}
	if got := figures["logits"].Labels[0]; got != first {
		t.Errorf("the likeliest word is %s, and the model answers %s", got, first)
	}
	sum := 0.0
	for _, p := range figures["head"].Values {
		sum += p
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("the head's shares add up to %v", sum)
	}
	// The patch in the middle of the built-in picture, as the picture's file has it.
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range figures["patches"].Values {
		y, x := rows/2*14+i/3/14, cols/2*14+i/3%14
		if want := img.Pix[3*(y*img.Width+x)+i%3]; v != float64(want) {
			t.Fatalf("byte %d of the patch is %v, and the picture's %d", i, v, want)
		}
	}
}

// TestExcerpts holds the excerpts to a trace of the same prompt.
func TestExcerpts(t *testing.T) {
	r := embeddedRun(t, 1)
	steps, err := Walk(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, s := range steps {
		for _, e := range s.Tensors {
			traced, err := r.Model.Trace(context.Background(), r.Prompt, loupe.Taps(e.Name))
			if err != nil {
				t.Fatal(err)
			}
			tap, _ := traced.Tap(e.Name)
			if diff := cmp.Diff(tap.Shape, e.Shape); diff != "" {
				t.Errorf("%s of step %s: shape (-want +got):\n%s", e.Name, s.ID, diff)
			}
			if !isRowOf(tap, e.Numbers) {
				t.Errorf("%s of step %s: no row of it begins with %v", e.Name, s.ID, e.Numbers)
			}
			checked++
		}
	}
	if checked < 20 {
		t.Errorf("the tour shows %d tensors", checked)
	}
}

// isRowOf reports whether a row of a tap begins with these numbers.
func isRowOf(t loupe.Tap, begin []float32) bool {
	cols := t.Shape[len(t.Shape)-1]
	for at := 0; at < len(t.Data); at += cols {
		if slices.Equal(t.Data[at:][:len(begin)], begin) {
			return true
		}
	}
	return false
}

// embeddedFirst is the first word that the model answers.
func embeddedFirst(t *testing.T, r Run) string {
	t.Helper()
	for token, err := range r.Model.Generate(context.Background(), r.Prompt, loupe.Generation{MaxTokens: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		w := walk{Run: Run{Model: r.Model, Prompt: &loupe.Prompt{IDs: []int{token.ID}}}}
		return w.text(0)
	}
	t.Fatal("the model answers nothing")
	return ""
}

func TestWalkNeedsOnePicture(t *testing.T) {
	if _, err := Walk(context.Background(), embeddedRun(t, 2)); err == nil || !strings.Contains(err.Error(), "exactly one") {
		t.Errorf("two pictures: %v", err)
	}
}
