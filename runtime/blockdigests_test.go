package loupe

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/vit/picture"
)

// digested is a short answer about the embedded picture, with the digests of its blocks.
func digested(t *testing.T, o Options, d *BlockDigests) (*Score, string, []int) {
	t.Helper()
	o.MaxPixels = 28 * 28 * 16
	m, err := Embedded(o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img, err := picture.Decode(context.Background(), demo.Picture(), picture.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Prepare(context.Background(), Question(Rubric, DefaultQuestion, img))
	if err != nil {
		t.Fatal(err)
	}
	var a *Answer
	if d == nil {
		a, err = m.Answer(context.Background(), p, Generation{MaxTokens: 3})
	} else {
		a, err = d.Answer(context.Background(), m, p, Generation{MaxTokens: 3})
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for tok, err := range a.Tokens() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, tok.ID)
	}
	return a.Score, a.LogitsDigest(), ids
}

// TestBlockDigests: digests of what blocks put out are one for each block in order, are the same for any chunk of the prompt, number of
// threads and kernels, differ in another precision, and change no bit of the answer.
func TestBlockDigests(t *testing.T) {
	var plain BlockDigests
	score, logits, ids := digested(t, Options{}, &plain)
	s, l, i := digested(t, Options{}, nil)
	if !cmp.Equal(s, score) || l != logits || !cmp.Equal(i, ids) {
		t.Errorf("watched, the answer is %v %s %v; alone it is %v %s %v", score, logits, ids, s, l, i)
	}
	m, err := Embedded(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var want []string
	for i := range m.Config.Vision.Depth {
		want = append(want, fmt.Sprintf("visual.blocks.%d.out", i))
	}
	want = append(want, "visual.merger")
	for i := range m.Config.Text.NumHiddenLayers {
		want = append(want, fmt.Sprintf("model.layers.%d.out", i))
	}
	var names []string
	for _, b := range plain.Blocks() {
		names = append(names, b.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("blocks: %s", diff)
	}
	if n := len(plain.Steps()); n != len(ids)-1 {
		t.Errorf("%d digests of steps for %d tokens, of which the last is not read", n, len(ids))
	}
	for name, o := range map[string]Options{"chunks": {PrefillChunk: 7}, "one thread": {Threads: 1}, "plain Go": {Kernels: "generic"}} {
		var d BlockDigests
		digested(t, o, &d)
		if diff := cmp.Diff(plain.Blocks(), d.Blocks()) + cmp.Diff(plain.Steps(), d.Steps()); diff != "" {
			t.Errorf("%s: other digests: %s", name, diff)
		}
	}
	var other BlockDigests
	digested(t, Options{Precision: "int8"}, &other)
	if cmp.Equal(plain.Blocks(), other.Blocks()) {
		t.Error("int8 has the digests of exact")
	}
}

// TestArithmeticVersion holds the number of the arithmetic to its bits: where a digest here differs, results of old records change, so
// ArithmeticVersion must be raised, and the table with it. The embedded model's own weights are pinned by runtime/demo.
func TestArithmeticVersion(t *testing.T) {
	want := map[string]string{
		"exact": "a12c8f7156dd742f 2ce9673a83d80a2b 0x1.6f2bfap-01",
		"bf16":  "89c09d96b446325e 5e1345c532737598 0x1.6f6832p-01",
		"int8":  "d42d00bfe57de17b 7178b3f240fb1803 0x1.71614p-01",
		"int4":  "ecfe34d3bafbb6d3 4928a08cff23b57c 0x1.71614p-01",
	}
	const version = 1
	if ArithmeticVersion != version {
		t.Fatalf("the arithmetic is number %d, and these digests are of number %d", ArithmeticVersion, version)
	}
	for _, precision := range Precisions {
		var d BlockDigests
		score, logits, _ := digested(t, Options{Precision: precision}, &d)
		last := d.Blocks()[len(d.Blocks())-1].SHA256
		got := fmt.Sprintf("%s %s %x", logits[:16], last[:16], score.Targets[0].Output)
		if w, ok := want[precision]; !ok {
			t.Errorf("%s: no digest is written down: %q", precision, got)
		} else if got != w {
			t.Errorf("%s: %q, written down is %q: raise ArithmeticVersion, or find what changed", precision, got, w)
		}
	}
}
