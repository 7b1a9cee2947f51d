package loupe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestAccept: a sequence needs nothing but logits to choose, to stop, to make text and to digest.
func TestAccept(t *testing.T) {
	m, err := Embedded(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	encode := func(text string) []int {
		ids, err := m.Tokenizer.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	ids := encode("one two three")
	eos := m.Generation.EosTokenIDs[0]
	for _, c := range []struct {
		name   string
		g      Generation
		room   int // of the context, beside the prompt; 0 for enough
		ids    []int
		text   string
		finish string // of the last token
	}{
		{"the model ends", Generation{}, 0, append(ids[:len(ids):len(ids)], eos), "one two three", "stop"},
		{"the model may not end", Generation{IgnoreEOS: true, MaxTokens: 2}, 0, []int{eos, eos}, "<|im_end|><|im_end|>", "length"},
		{"as many as asked for", Generation{MaxTokens: len(ids)}, 0, ids, "one two three", "length"},
		{"as many as fit", Generation{MaxTokens: len(ids) + 9}, len(ids), ids, "one two three", "length"},
		{"a stop string", Generation{Stop: []string{"two"}}, 0, encode("one two"), "one ", "stop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := textPrompt(t, 3, 1, 4)
			cfg := *m.Config
			if c.room > 0 {
				cfg.Text.MaxPositionEmbeddings = len(p.IDs) + c.room
			}
			own := &Model{Config: &cfg, Generation: m.Generation, Tokenizer: m.Tokenizer, Decoder: m.Decoder}
			q := own.newSequence(context.Background(), own.newState(p, features{}, nil), c.g)
			defer q.Close()
			digest, text := sha256.New(), ""
			for i, id := range c.ids {
				logits := make([]float32, m.Config.Text.VocabSize)
				logits[id] = 1
				var d logitsDigest
				d.sum = digest
				d.add(logits)
				tok, done := q.Accept(logits)
				if text += tok.Text; tok.ID != id || done != (i == len(c.ids)-1) || done != (tok.Finish != "") {
					t.Fatalf("token %d is %+v, done %v; want %d", i, tok, done, id)
				}
				if done && tok.Finish != c.finish {
					t.Errorf("it finishes with %q, want %q", tok.Finish, c.finish)
				}
			}
			if strings.TrimPrefix(text, " ") != c.text {
				t.Errorf("the text is %q, want %q", text, c.text)
			}
			if got, want := q.LogitsDigest(), hex.EncodeToString(digest.Sum(nil)); got != want {
				t.Errorf("the digest is %s, want %s", got, want)
			}
		})
	}
}

// TestSharedBeginning: a prompt whose beginning, a picture included, another answer has read gives the same bits from that one's keys
// and values as read anew, in chunks of any size, and the other answer goes on as if nobody had.
func TestSharedBeginning(t *testing.T) {
	for _, precision := range Precisions {
		t.Run(precision, func(t *testing.T) {
			m, err := Embedded(Options{Precision: precision, MaxPixels: 28 * 28 * 16})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			m.Decoder.Pages = decoder.NewPagePool(m.devices, m.Config.Text, 8)
			img := picture.Image{Width: 84, Height: 56, Pix: make([]byte, 3*84*56)}
			for i := range img.Pix {
				img.Pix[i] = byte(i * i >> 5)
			}
			begin := func(question string) *asked {
				p, err := m.Prepare(context.Background(), Ask(question, img))
				if err != nil {
					t.Fatal(err)
				}
				return &asked{p: p, g: Generation{MaxTokens: 6, IgnoreEOS: true}}
			}
			all := []*asked{begin("What is shown? Say it at length."), begin("What is shown? Be short.")}
			want := alone(t, m, all)
			first := all[0].begin(t, m, nil)
			first.took(first.Next())
			same := 0
			for all[0].p.IDs[same] == all[1].p.IDs[same] {
				same++
			}
			for _, chunk := range []int{1, 3, 0} {
				second := &running{asked: all[1]}
				f, err := m.encode(context.Background(), all[1].p, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				st := m.newState(all[1].p, f, nil)
				if st.cache, err = first.s.cache.Fork(same); err != nil {
					t.Fatal(err)
				}
				if s := m.Decoder.Pages.Stats(); s.Shared != same/8 || s.Shared == 0 {
					t.Errorf("of %d positions in common %+v are shared", same, s)
				}
				second.Sequence = m.newSequence(context.Background(), st, all[1].g)
				if second.logits, err = st.prefill(context.Background(), chunk, false); err != nil {
					t.Fatal(err)
				}
				for second.took(second.Next()) {
					second.read()
				}
				if d := cmp.Diff(want[1], second.end()); d != "" {
					t.Errorf("from position %d in chunks of %d the answer differs (-anew +shared):\n%s", same, chunk, d)
				}
			}
			for first.read(); first.took(first.Next()); {
				first.read()
			}
			if d := cmp.Diff(want[0], first.end()); d != "" {
				t.Errorf("the answer that was shared from differs (-alone +shared):\n%s", d)
			}
		})
	}
}
