package attribution

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// blocksFixture is made by ../testdata/make.py: maps of scores that are read from a block of the vision tower, by PyTorch's
// autograd and whole products of attention matrices.
var blocksFixture = filepath.Join("..", "testdata", "blocks.safetensors")

// headOf writes a score head in a directory: of kind linear or hidden, with the fixture's tensors.
func headOf(t *testing.T, want fixture.Reference, kind, input, pool string) string {
	t.Helper()
	dir := t.TempDir()
	var tensors []weights.Named
	for name, x := range want {
		if rest, ok := strings.CutPrefix(name, kind+"/"); ok {
			tensors = append(tensors, weights.FromF32(rest, x.Shape, x.F32()))
		}
	}
	slices.SortFunc(tensors, func(a, b weights.Named) int { return strings.Compare(a.Name, b.Name) })
	w, err := weights.NewStreamWriter(filepath.Join(dir, "score_head.safetensors"), map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tensors {
		if err := w.AddNamed(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	hidden := "[]"
	if kind == "hidden" {
		hidden = "[6]"
	}
	text := fmt.Sprintf(`{"version": 1, "input": %q, "pool": %q, "hidden": %s, "targets": [{"name": "score", "mean": 52, "std": 21, "min": 1, "max": 100}, {"name": "color", "mean": 47, "std": 13, "min": 1, "max": 100}]}`, input, pool, hidden)
	if err := os.WriteFile(filepath.Join(dir, "score_head.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// chat is a conversation whose pictures came in two turns: those of the case two_images.
func chat(t *testing.T, c *fixture.Case) *loupe.Prompt {
	t.Helper()
	image, text := tokenizer.Part{Type: tokenizer.ImagePart}, func(s string) tokenizer.Part { return tokenizer.Part{Type: tokenizer.TextPart, Text: s} }
	p, err := c.Model.Prepare(t.Context(), loupe.Input{Images: c.Input.Images, Messages: []tokenizer.Message{
		{Role: "system", Text: "You judge paintings."},
		{Role: "user", Parts: []tokenizer.Part{text("Look at "), image, text(".")}},
		{Role: "assistant", Text: "The canvas holds warm light."},
		{Role: "user", Parts: []tokenizer.Part{image, text("And this one?")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBlockHeads: scores that are read from a block of the tower have the maps of the reference, of every block and pooling,
// in prompts of one picture, two, pictures and video, and after chat with pictures; and their parts add up to the bit.
func TestBlockHeads(t *testing.T) {
	want := fixture.ReadReference(t, blocksFixture)
	tried := 0
	for _, head := range []struct {
		kind, pool, target string
		blocks             []int
	}{{"linear", "mean", "score", []int{0, 1, 2}}, {"linear", "last", "color", []int{0, 2}}, {"hidden", "mean", "color", []int{1}}} {
		for _, block := range head.blocks {
			dir := headOf(t, want, head.kind, fmt.Sprintf("visual.blocks.%d.out", block), head.pool)
			for _, name := range []string{"image", "two_images", "image_and_video", "chat"} {
				c := fixture.Open(t, committed, strings.Replace(name, "chat", "two_images", 1), dir)
				if name == "chat" {
					c.Prompt = chat(t, c)
					if ids := want["chat/input_ids"].I64(); len(ids) != len(c.Prompt.IDs) || int(ids[20]) != c.Prompt.IDs[20] {
						t.Fatal("the conversation is not the fixture's")
					}
				}
				of := fmt.Sprintf("%s/%s %s block %d", name, head.kind, head.pool, block)
				target := &loupe.GradTarget{Score: true, Name: head.target}
				like(t, want, of+"/relevance", compute(t, c, Relevance, Options{Target: target}))
				cam := compute(t, c, GradCAM, Options{Target: target})
				like(t, want, of+"/gradcam", cam)
				if named := compute(t, c, GradCAM, Options{Target: target, Layers: []int{block}}); !slices.Equal(named.All(), cam.All()) {
					t.Errorf("%s: the block that the target depends on is not the default", of)
				}
				if head.kind == "linear" {
					parts := compute(t, c, Contribution, Options{Target: target})
					reftest.Compare(t, of, []float64{parts.Sum.Total}, want.Float64s(t, of+"/score"), 5e-5)
					addsUp(t, parts)
				}
				tried++
			}
		}
	}
	if tried != 24 {
		t.Errorf("%d heads and prompts were compared", tried)
	}
}

// TestBlockBehindTheScore: a block that the score does not depend on is refused.
func TestBlockBehindTheScore(t *testing.T) {
	want := fixture.ReadReference(t, blocksFixture)
	c := fixture.Open(t, committed, "image", headOf(t, want, "linear", "visual.blocks.0.out", "mean"))
	_, err := Compute(t.Context(), c.Model, c.Prompt, GradCAM, Options{Layers: []int{1}})
	if err == nil || !strings.Contains(err.Error(), "read after block 0") {
		t.Errorf("error is %v", err)
	}
	if _, err := Compute(t.Context(), c.Model, c.Prompt, GradCAM, Options{Layers: []int{1}, Target: &loupe.GradTarget{Token: 3}}); err != nil {
		t.Errorf("a logit depends on all blocks: %v", err)
	}
}

// TestRelativeAtAQuery compares the query with the token of the generic prompt that corresponds to it.
func TestRelativeAtAQuery(t *testing.T) {
	want := fixture.ReadReference(t, blocksFixture)
	c := fixture.Open(t, committed, "image", "")
	generic, err := c.Model.Prepare(t.Context(), WithQuestion(c.Input, GenericQuestion))
	if err != nil {
		t.Fatal(err)
	}
	n := len(c.Prompt.IDs)
	for _, query := range []int{-2, -4} {
		for _, at := range []int{query, query + n} {
			of := fmt.Sprintf("relative query %d", query)
			like(t, want, of, compute(t, c, Relative, Options{Generic: generic, Query: &at}))
			like(t, want, of+" layer 1", compute(t, c, Relative, Options{Generic: generic, Query: &at, Layers: []int{1}}))
		}
	}
	last := compute(t, c, Relative, Options{Generic: generic})
	if named := compute(t, c, Relative, Options{Generic: generic, Query: new(-1)}); !slices.Equal(named.All(), last.All()) {
		t.Error("the default is not the last token")
	}
	behind := slices.Max(c.Prompt.Images.At) + 1
	for i, v := range compute(t, c, Relative, Options{Generic: generic, Query: &behind}).All() {
		if v != 1 {
			t.Fatalf("before the questions differ, value %d is %v, want 1", i, v)
		}
	}
	first := behind + 1 // of the question
	for at, want := range map[int]string{0: "cannot see", first: "token of the question"} {
		if _, err := Compute(t.Context(), c.Model, c.Prompt, Relative, Options{Generic: generic, Query: &at}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("query %d: error is %v, want one with %q", at, err, want)
		}
	}
}

// TestNotes: panels of zeros say why.
func TestNotes(t *testing.T) {
	want := fixture.ReadReference(t, blocksFixture)
	c := fixture.Open(t, committed, "two_images", headOf(t, want, "linear", "visual.blocks.1.out", "last"))
	between := c.Prompt.Images.At[0] + 30
	for _, e := range []struct {
		method Method
		o      Options
		want   string // "" for no note
	}{
		{Raw, Options{}, ""},
		{Raw, Options{Query: new(0)}, "every value is 0: position 0 stands before"},
		{Rollout, Options{Query: new(0)}, "position 0 stands before"},
		{Raw, Options{Query: &between}, fmt.Sprintf("image 2 is 0: position %d stands before", between)},
		{Relevance, Options{Target: &loupe.GradTarget{Token: 3, At: new(0)}}, "position 0 stands before"},
		{Occlusion, Options{Target: &loupe.GradTarget{Token: 3, At: new(0)}}, "position 0 stands before"},
		{Contribution, Options{}, "image 1 is 0: the score head reads the last row alone"},
	} {
		if got := compute(t, c, e.method, e.o); got.Note != e.want && (e.want == "" || !strings.Contains(got.Note, e.want)) {
			t.Errorf("%s: the note is %q, want %q", e.method, got.Note, e.want)
		}
	}
}
