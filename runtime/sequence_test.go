package loupe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
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
