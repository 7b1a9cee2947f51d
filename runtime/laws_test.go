package loupe_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestIdleEditsChangeNothing: at every tap of a prompt with picture and video, and at a generated token, scaling by 1 and setting
// rows to what they are change no bit of any logit.
func TestIdleEditsChangeNothing(t *testing.T) {
	m := embedded(t, loupe.Options{})
	p := mixedPrompt(t, m)
	ctx := context.Background()
	o := loupe.TraceOptions{Taps: []string{"*"}, Steps: 1, Generation: loupe.Generation{IgnoreEOS: true}}
	plain, err := m.Trace(ctx, p, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Taps = nil
	digest := func(ivs ...loupe.Intervention) string {
		t.Helper()
		traced, err := m.Trace(ctx, p, o.With(ivs...))
		if err != nil {
			t.Fatal(err)
		}
		return traced.Digest
	}
	if got := digest(loupe.Intervention{Tap: "*", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1}); got != plain.Digest {
		t.Error("everything scaled by 1 gives other logits")
	}
	var all []loupe.Intervention
	named := map[string]int{}
	for _, tap := range plain.Taps {
		named[tap.Name]++
	}
	for _, tap := range plain.Taps {
		name := tap.Name
		if named[name+"@images"] > 0 {
			name += "@videos" // the plain name is of both passes
		}
		iv := loupe.Intervention{Tap: name, Op: tensor.Set, Head: loupe.AllHeads, Value: tap.Data}
		if len(tap.Shape) == 2 && strings.HasPrefix(tap.Name, "steps.1/") {
			iv.Rows = []int{len(p.IDs)}
		}
		all = append(all, iv)
		last := iv
		if len(tap.Shape) == 2 && !strings.HasPrefix(tap.Name, "steps.1/") {
			rows, cols := tap.Shape[0], tap.Shape[1]
			last.Rows, last.Value = []int{rows - 1, 0}, slices.Concat(tap.Data[(rows-1)*cols:], tap.Data[:cols])
			if rows == 1 {
				last.Rows, last.Value = []int{-1}, tap.Data
			}
		}
		if strings.HasSuffix(name, ".out") && digest(last) != plain.Digest {
			t.Errorf("rows of %s set to what they are give other logits", name)
		}
	}
	if digest(all...) != plain.Digest {
		t.Error("every tap set to what it is gives other logits")
	}
	if digest(loupe.Intervention{Tap: "model.layers.0.out", Op: tensor.Scale, Head: loupe.AllHeads, Scale: 1.5}) == plain.Digest {
		t.Error("an edit that changes something changes no logit: the test compares nothing")
	}
}

// TestPatchingEverythingRestores: with all rows of a site set to those of the clean run, the corrupted run gives the clean run's
// logits, to the bit, at whichever layer.
func TestPatchingEverythingRestores(t *testing.T) {
	m := embedded(t, loupe.Options{MaxPixels: 28 * 28 * 6})
	ctx := context.Background()
	prompt := func(seed int) *loupe.Prompt {
		img := picture.Image{Width: 84, Height: 56, Pix: make([]byte, 3*84*56)}
		for i := range img.Pix {
			img.Pix[i] = byte(i * i * seed >> 5)
		}
		p, err := m.Prepare(context.Background(), loupe.Ask("What does this picture show?", img))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	clean, corrupted := prompt(1), prompt(7)
	taps := []string{"pixel_values", "visual.patch_embed", "visual.blocks.?.out", "visual.merger", "model.layers.?.out", "model.norm", "lm_head"}
	of, err := m.Trace(ctx, clean, loupe.Taps(taps...))
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.Trace(ctx, corrupted, loupe.TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if other.Digest == of.Digest {
		t.Fatal("both runs give the same logits: the test compares nothing")
	}
	for _, tap := range of.Taps {
		got, err := m.Trace(ctx, corrupted, loupe.TraceOptions{}.With(loupe.Intervention{Tap: tap.Name, Op: tensor.Set, Head: loupe.AllHeads, Value: tap.Data}))
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != of.Digest {
			t.Errorf("with all of %s the corrupted run gives other logits than the clean one", tap.Name)
		}
	}
	// The sweep knows the same: the last position after the last layer is all that the answer is read from.
	last := m.Config.Text.NumHiddenLayers - 1
	swept, err := m.Patch(ctx, clean, corrupted, loupe.PatchOptions{Layers: []int{last}, Positions: []int{-1}, Answers: &[2]int{3, 5}})
	if err != nil {
		t.Fatal(err)
	}
	if swept.Difference[0][0] != swept.Clean.Difference || swept.Restored[0][0] != 1 {
		t.Errorf("the last row after the last layer restores %v, and gives %v for %v", swept.Restored[0][0], swept.Difference[0][0], swept.Clean.Difference)
	}
}
