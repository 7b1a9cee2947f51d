package demo_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"io/fs"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/weights"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(demo.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestConfigsAreValid(t *testing.T) {
	c, err := weights.ParseConfig("config.json", read(t, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Unknown) > 0 {
		t.Errorf("config.json has keys that loupe does not know: %q", c.Unknown)
	}
	if !c.Text.TieWordEmbeddings || c.Text.NumKeyValueHeads >= c.Text.NumAttentionHeads {
		t.Errorf("the decoder has tied embeddings %v and %d key heads for %d query heads; it is to be like the 2B, tied and grouped",
			c.Text.TieWordEmbeddings, c.Text.NumKeyValueHeads, c.Text.NumAttentionHeads)
	}
	if _, err := weights.ParseGeneration("generation_config.json", read(t, "generation_config.json")); err != nil {
		t.Error(err)
	}
	p, err := weights.Qwen2VL.ParsePreprocessor("preprocessor_config.json", read(t, "preprocessor_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(c.Vision); err != nil {
		t.Error(err)
	}
	side := p.PatchSize * p.MergeSize
	if most := p.MaxPixels / (side * side); most > 256 {
		t.Errorf("a picture may take %d tokens, more than 256", most)
	}
	if _, err := weights.ParseScoreHead("score_head.json", read(t, "score_head.json")); err != nil {
		t.Error(err)
	}
}

func TestWeightsAreFiniteAndSmall(t *testing.T) {
	c, err := weights.OpenCheckpointFS(demo.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	size := 0
	for _, w := range c.Tensors() {
		size += len(w.Data)
		if w.DType != weights.BF16 {
			t.Errorf("%v is not bf16", w)
		}
		if err := weights.CheckFinite(w); err != nil {
			t.Error(err)
		}
	}
	if size > 11<<20 {
		t.Errorf("the tensors take %d bytes; every build of loupe carries them, so keep them under 11 MB", size)
	}
	cfg, err := weights.ParseConfig("config.json", read(t, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tensor("model.embed_tokens.weight", cfg.Text.VocabSize, cfg.Text.HiddenSize); err != nil {
		t.Error(err)
	}
	if c.Has("lm_head.weight") {
		t.Error("the checkpoint has an lm_head.weight, but its embeddings are tied")
	}
}

func TestScoreHeadFitsItsConfig(t *testing.T) {
	cfg, err := weights.ParseConfig("config.json", read(t, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := weights.ParseScoreHead("score_head.json", read(t, "score_head.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := weights.OpenCheckpointFileFS(demo.FS(), weights.ScoreHeadWeightsName)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Tensor("score_head.weight", len(head.Targets), cfg.Vision.OutHiddenSize); err != nil {
		t.Error(err)
	}
	if _, err := c.Tensor("score_head.bias", len(head.Targets)); err != nil {
		t.Error(err)
	}
	if err := c.RequireAllUsed(); err != nil {
		t.Error(err)
	}
}

// TestTokenizerIsConsistent: every merge joins two tokens to a third, of higher id, and every id has one token.
func TestTokenizerIsConsistent(t *testing.T) {
	var f struct {
		AddedTokens []struct {
			ID      int
			Content string
		} `json:"added_tokens"`
		Model struct {
			Vocab  map[string]int
			Merges []string
		}
	}
	if err := json.Unmarshal(read(t, "tokenizer.json"), &f); err != nil {
		t.Fatal(err)
	}
	for _, m := range f.Model.Merges {
		left, right, ok := strings.Cut(m, " ")
		a, okA := f.Model.Vocab[left]
		b, okB := f.Model.Vocab[right]
		id, okID := f.Model.Vocab[left+right]
		if !ok || !okA || !okB || !okID || id <= a || id <= b {
			t.Errorf("merge %q: its parts have ids %d and %d and give %d; all must be tokens, the last the highest", m, a, b, id)
		}
	}
	if want := 256 + len(f.Model.Merges); len(f.Model.Vocab) != want {
		t.Errorf("the vocabulary has %d tokens, want 256 bytes and one for each merge: %d", len(f.Model.Vocab), want)
	}
	var c struct {
		AddedTokensDecoder map[int]struct{ Content string } `json:"added_tokens_decoder"`
	}
	if err := json.Unmarshal(read(t, "tokenizer_config.json"), &c); err != nil {
		t.Fatal(err)
	}
	owner := map[int]string{}
	claim := func(id int, token string) {
		if had, taken := owner[id]; taken && had != token {
			t.Errorf("id %d is of %q and of %q", id, had, token)
		}
		owner[id] = token
	}
	for token, id := range f.Model.Vocab {
		claim(id, token)
	}
	for _, a := range f.AddedTokens {
		claim(a.ID, a.Content)
	}
	for id, a := range c.AddedTokensDecoder {
		claim(id, a.Content)
	}
	cfg, err := weights.ParseConfig("config.json", read(t, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for id := range cfg.Text.VocabSize {
		if _, has := owner[id]; !has {
			t.Errorf("id %d, which the model can choose, has no token", id)
		}
	}
	for id, want := range map[int]string{
		cfg.ImageTokenID: "<|image_pad|>", cfg.VideoTokenID: "<|video_pad|>",
		cfg.VisionStartTokenID: "<|vision_start|>", cfg.VisionEndTokenID: "<|vision_end|>", cfg.EosTokenIDs[0]: "<|im_end|>",
	} {
		if owner[id] != want {
			t.Errorf("config.json gives %s the id of %q, %d", want, owner[id], id)
		}
	}
}

func TestChatTemplatesAgree(t *testing.T) {
	type file struct {
		ChatTemplate string `json:"chat_template"`
	}
	var a, b file
	for name, f := range map[string]*file{"chat_template.json": &a, "tokenizer_config.json": &b} {
		if err := json.Unmarshal(read(t, name), f); err != nil {
			t.Fatal(err)
		}
	}
	if a.ChatTemplate == "" || a != b {
		t.Error("chat_template.json and tokenizer_config.json hold different templates, or none")
	}
}

func TestPictureIsACopy(t *testing.T) {
	if _, err := png.Decode(bytes.NewReader(demo.Picture())); err != nil {
		t.Fatal(err)
	}
	demo.Picture()[0] = 0
	if demo.Picture()[0] == 0 {
		t.Error("a caller changed the picture for all others")
	}
}

func TestNoticeSaysWhatTheModelKnows(t *testing.T) {
	for _, word := range []string{"demonstration", "loupe demo paint", "alone", "scores", "words", "mean nothing"} {
		if !strings.Contains(demo.Notice, word) {
			t.Errorf("the notice does not say %q: %s", word, demo.Notice)
		}
	}
}
