package loupe_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// twoPictures are prompts that ask the same of two pictures of one size.
func twoPictures(t *testing.T, m *loupe.Model) (clean, corrupted *loupe.Prompt) {
	t.Helper()
	img, err := picture.LoadFile(context.Background(), filepath.Join("testdata", "golden", "pictures", "painting_hokusai_wave_928x514_progressive.png"), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	dark := picture.Image{Width: img.Width, Height: img.Height, Pix: slices.Clone(img.Pix)}
	for i := len(dark.Pix) / 2; i < len(dark.Pix); i++ {
		dark.Pix[i] /= 3
	}
	prompts := make([]*loupe.Prompt, 2)
	for i, p := range []picture.Image{img, dark} {
		if prompts[i], err = m.Prepare(context.Background(), loupe.Ask("Which colour is the sea?", p)); err != nil {
			t.Fatal(err)
		}
	}
	return prompts[0], prompts[1]
}

// twoSizes are prompts that ask the same of two pictures of different sizes.
func twoSizes(t *testing.T, m *loupe.Model) (clean, corrupted *loupe.Prompt) {
	t.Helper()
	clean, _ = twoPictures(t, m)
	corrupted, err := m.Prepare(context.Background(), loupe.Ask("Which colour is the sea?", picture.Image{Width: 400, Height: 50, Pix: make([]byte, 3*400*50)}))
	if err != nil {
		t.Fatal(err)
	}
	if len(clean.IDs) == len(corrupted.IDs) {
		t.Fatal("the pictures take as many tokens")
	}
	return clean, corrupted
}

// TestPatchBehindPages patches behind more positions than a page of the cache holds, and at its edge.
func TestPatchBehindPages(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 300, MinPixels: 28 * 28 * 250})
	clean, corrupted := twoPictures(t, m)
	n := len(clean.IDs)
	if n < 270 {
		t.Fatalf("%d tokens do not fill a page", n)
	}
	o := loupe.PatchOptions{Layers: []int{1}, Positions: []int{255, 256, 257, n - 2}, Answers: &[2]int{5, 9}}
	source, err := m.Trace(context.Background(), clean, loupe.Taps("model.layers.1.out"))
	if err != nil {
		t.Fatal(err)
	}
	tap, _ := source.Tap("model.layers.1.out")
	o.Logits = func(layer, column int, logits []float32) {
		iv := loupe.Intervention{Tap: tap.Name, Op: tensor.Set, Head: loupe.AllHeads, Rows: []int{column}, Value: tap.Data}
		whole, err := m.Trace(context.Background(), corrupted, loupe.TraceOptions{Interventions: []loupe.Intervention{iv}})
		if err != nil {
			t.Fatal(err)
		}
		if got := digestOf(logits); got != whole.Digest {
			t.Errorf("position %d: logits %.8s, and %.8s by a whole run", column, got, whole.Digest)
		}
	}
	if _, err := m.Patch(context.Background(), clean, corrupted, o); err != nil {
		t.Fatal(err)
	}
}

// twoTexts are prompts that differ in one word.
func twoTexts(t *testing.T, m *loupe.Model) (clean, corrupted *loupe.Prompt) {
	t.Helper()
	prompts := make([]*loupe.Prompt, 2)
	for i, word := range []string{"strong", "weak"} {
		var err error
		if prompts[i], err = m.Prepare(context.Background(), loupe.Ask("The canvas holds a "+word+" palette; what does it show?")); err != nil {
			t.Fatal(err)
		}
	}
	return prompts[0], prompts[1]
}

// TestPatchEqualsWholeRuns holds every site of every sweep to a whole run of the corrupted prompt with an intervention that
// sets what the clean run shows there: the logits are the same bits.
func TestPatchEqualsWholeRuns(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 8})
	for name, pair := range map[string]func(*testing.T, *loupe.Model) (a, b *loupe.Prompt){"pictures": twoPictures, "sizes": twoSizes, "texts": twoTexts} {
		clean, corrupted := pair(t, m)
		// The corrupted prompt's counterparts: all, or text before and after the pictures.
		shift, picture := len(corrupted.IDs)-len(clean.IDs), []int{0}
		if shift != 0 {
			picture = clean.Images.At
		}
		counterpart := func(at int) int {
			if at >= picture[0] {
				at += shift
			}
			return at
		}
		for _, o := range []loupe.PatchOptions{
			{},
			{Site: "self_attn.out", Layers: []int{0, -1}},
			{Site: "mlp.out", Layers: []int{1}, Positions: []int{-1, 0, -5, -4}},
			{Heads: true},
		} {
			t.Run(fmt.Sprintf("%s %s heads %v", name, o.Site, o.Heads), func(t *testing.T) {
				o.Answers = &[2]int{5, 9}
				site := o.Site
				if site == "" {
					site = "out"
				}
				if o.Heads {
					site = "self_attn.heads"
				}
				source, err := m.Trace(context.Background(), clean, loupe.Taps("model.layers.*."+site))
				if err != nil {
					t.Fatal(err)
				}
				sites := 0
				o.Logits = func(layer, column int, logits []float32) {
					sites++
					tap, _ := source.Tap(fmt.Sprintf("model.layers.%d.%s", layer, site))
					width := tap.Shape[1]
					iv := loupe.Intervention{Tap: tap.Name, Op: tensor.Set, Head: loupe.AllHeads, Width: width}
					rows := []int{column}
					if o.Heads {
						iv.Head, rows = column, nil
						for at := range clean.IDs {
							if shift == 0 || !slices.Contains(picture, at) {
								rows = append(rows, at)
							}
						}
					}
					for _, at := range rows {
						iv.Rows, iv.Value = append(iv.Rows, counterpart(at)), append(iv.Value, tap.Data[at*width:][:width]...)
					}
					whole, err := m.Trace(context.Background(), corrupted, loupe.TraceOptions{Interventions: []loupe.Intervention{iv}})
					if err != nil {
						t.Fatal(err)
					}
					if got := digestOf(logits); got != whole.Digest {
						t.Errorf("layer %d, column %d: logits %.8s, and %.8s by a whole run", layer, column, got, whole.Digest)
					}
				}
				got, err := m.Patch(context.Background(), clean, corrupted, o)
				if err != nil {
					t.Fatal(err)
				}
				if want := len(got.Layers) * len(got.Columns); sites != want || sites == 0 {
					t.Errorf("%d sites, want %d", sites, want)
				}
				if shift != 0 && got.Unmatched != len(picture) || shift == 0 && got.Unmatched != 0 {
					t.Errorf("%d positions have no counterpart", got.Unmatched)
				}
			})
		}
	}
}

// TestPatchRestores: patching everything that differs restores the clean answer wholly, and what comes before the difference
// restores nothing.
func TestPatchRestores(t *testing.T) {
	m := embedded(t, loupe.Options{})
	clean, corrupted := twoTexts(t, m)
	got, err := m.Patch(context.Background(), clean, corrupted, loupe.PatchOptions{Answers: &[2]int{5, 9}})
	if err != nil {
		t.Fatal(err)
	}
	differs := slices.IndexFunc(clean.IDs, func(int) bool { return true })
	for clean.IDs[differs] == corrupted.IDs[differs] {
		differs++
	}
	last := len(got.Layers) - 1
	for i, row := range got.Restored {
		for p, v := range row {
			switch {
			case p < differs && v != 0:
				t.Errorf("layer %d, position %d lies before the difference and restores %v", i, p, v)
			case i == last && p == len(row)-1 && v != 1:
				t.Errorf("the last layer's stream at the last position restores %v", v)
			case i == last && p < len(row)-1 && v != 0:
				t.Errorf("the last layer's stream at position %d restores %v", p, v)
			case math.IsNaN(v):
				t.Errorf("layer %d, position %d restores %v", i, p, v)
			}
		}
	}
	if v := got.Restored[0][differs]; v == 0 || v == 1 {
		t.Errorf("the word that differs restores %v", v)
	}
}

// TestPatchErrors says what does not fit.
func TestPatchErrors(t *testing.T) {
	m := embedded(t, loupe.Options{})
	clean, corrupted := twoTexts(t, m)
	longer, err := m.Prepare(context.Background(), loupe.Ask("The canvas holds a careful and muted palette; what does it show?"))
	if err != nil {
		t.Fatal(err)
	}
	differs := 0
	for clean.IDs[differs] == longer.IDs[differs] {
		differs++
	}
	alone := &loupe.Prompt{IDs: []int{3}, Positions: decoder.Positions{{0}, {0}, {0}}}
	answers := &[2]int{5, 9}
	for _, c := range []struct {
		name  string
		other *loupe.Prompt
		o     loupe.PatchOptions
		want  string
	}{
		{"nothing in common", alone, loupe.PatchOptions{}, "no token in common"},
		{"no counterpart", longer, loupe.PatchOptions{Positions: []int{differs}}, "no counterpart"},
		{"the same prompt", clean, loupe.PatchOptions{}, "PatchOptions.Answers"},
		{"nothing to restore", clean, loupe.PatchOptions{Answers: answers}, "nothing to restore"},
		{"layer", corrupted, loupe.PatchOptions{Answers: answers, Layers: []int{99}}, "no layer 99"},
		{"position", corrupted, loupe.PatchOptions{Answers: answers, Positions: []int{-500}}, "no position -500"},
		{"token", corrupted, loupe.PatchOptions{Answers: &[2]int{1, 1 << 20}}, "no token 1048576"},
		{"site", corrupted, loupe.PatchOptions{Answers: answers, Site: "mlp.act"}, "mlp.act"},
		{"heads at positions", corrupted, loupe.PatchOptions{Answers: answers, Heads: true, Positions: []int{1}}, "all positions"},
	} {
		if _, err := m.Patch(context.Background(), clean, c.other, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	n := 0
	o := loupe.PatchOptions{Answers: answers, Progress: func(done, of int) {
		if n++; n == 3 {
			cancel()
		}
	}}
	if _, err := m.Patch(gone, clean, corrupted, o); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("a canceled sweep: %v", err)
	}
}
