package demo_test

import (
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/tokenizer"
)

func TestTokenizerReadsBack(t *testing.T) {
	tok, err := tokenizer.LoadFS(demo.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		most       int // tokens that the text may take
	}{
		{"empty", "", 0},
		{"of the corpus", "This still life has brilliant content and weak originality. The palette is in harmony, but it is familiar.", 22},
		{"question", "Score this painting.", 4},
		{"special tokens", "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|><|im_end|>\n", 12},
		{"not of the corpus", "Zürich 7½ №  \t\n\n 画家の色 🖌️", 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, err := tok.Encode(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) > c.most {
				t.Errorf("%q takes %d tokens, more than %d: %v", c.text, len(ids), c.most, ids)
			}
			back, err := tok.Decode(ids)
			if err != nil {
				t.Fatal(err)
			}
			if string(back) != c.text {
				t.Errorf("%q comes back as %q", c.text, back)
			}
		})
	}
}

func TestChatTemplateCompiles(t *testing.T) {
	if _, err := tokenizer.LoadChatTemplateFS(demo.FS()); err != nil {
		t.Error(err)
	}
}
