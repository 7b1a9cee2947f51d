package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// bertJSON is the layout of Hugging Face's tokenizer.json, as far as it bears on BERT's ids. Its truncation and padding do
// not: who encodes a sentence sets both.
type bertJSON struct {
	AddedTokens []addedToken `json:"added_tokens"`
	Normalizer  *struct {
		Type    string `json:"type"`
		Clean   *bool  `json:"clean_text"`
		Chinese *bool  `json:"handle_chinese_chars"`
		Accents *bool  `json:"strip_accents"`
		Lower   *bool  `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer  *component     `json:"pre_tokenizer"`
	PostProcessor *bertTemplate  `json:"post_processor"`
	Model         *wordPieceFile `json:"model"`
}

type wordPieceFile struct {
	Type     string          `json:"type"`
	Unk      string          `json:"unk_token"`
	Prefix   string          `json:"continuing_subword_prefix"`
	MaxChars *int            `json:"max_input_chars_per_word"`
	Vocab    json.RawMessage `json:"vocab"`
}

// bertTemplate puts [CLS] and [SEP] around a sentence: a TemplateProcessing, or a BertProcessing.
type bertTemplate struct {
	Type   string `json:"type"`
	Single []struct {
		SpecialToken *struct{ ID string }
		Sequence     *struct{ ID string }
	} `json:"single"`
	Cls []any `json:"cls"` // [text, id]
	Sep []any `json:"sep"`
}

// ends are the tokens before and after a sentence.
func (p *bertTemplate) ends() (cls, sep string, err error) {
	if p != nil && p.Type == "BertProcessing" && len(p.Cls) == 2 && len(p.Sep) == 2 {
		cls, _ = p.Cls[0].(string)
		sep, _ = p.Sep[0].(string)
		return cls, sep, nil
	}
	if p != nil && p.Type == "TemplateProcessing" && len(p.Single) == 3 && p.Single[0].SpecialToken != nil && p.Single[1].Sequence != nil && p.Single[2].SpecialToken != nil {
		return p.Single[0].SpecialToken.ID, p.Single[2].SpecialToken.ID, nil
	}
	return "", "", errNotBERT("post_processor", "a TemplateProcessing of [CLS], the sentence and [SEP]")
}

func errNotBERT(key, want string) error {
	return fmt.Errorf("%s is not BERT's: it must be %s; no other sentence tokenizer is implemented", key, want)
}

func wordPieceJSON(data []byte, c *bertConfig) (*WordPiece, error) {
	const name = "tokenizer.json"
	var f bertJSON
	if err := unmarshal(name, data, &f); err != nil {
		return nil, err
	}
	w, err := f.build(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

func (f *bertJSON) build(c *bertConfig) (*WordPiece, error) {
	normal, err := f.normalizer(c)
	if err != nil {
		return nil, err
	}
	if f.PreTokenizer == nil || f.PreTokenizer.Type != "BertPreTokenizer" {
		return nil, errNotBERT("pre_tokenizer", `{"type": "BertPreTokenizer"}`)
	}
	cls, sep, err := f.PostProcessor.ends()
	if err != nil {
		return nil, err
	}
	terms, err := f.Model.terms()
	if err != nil {
		return nil, err
	}
	w, err := newWordPiece(terms, f.Model.Unk, *f.Model.MaxChars)
	if err != nil {
		return nil, fmt.Errorf("model.vocab: %w", err)
	}
	w.normal = normal
	ids, err := f.added(w, terms)
	if err != nil {
		return nil, err
	}
	for _, end := range []struct {
		text string
		to   *int
	}{{cls, &w.cls}, {sep, &w.sep}} {
		id, ok := ids[end.text]
		if !ok {
			return nil, fmt.Errorf("post_processor: %q is none of added_tokens", end.text)
		}
		*end.to = id
	}
	return w, c.agree(maps.Keys(ids), func(text string) int { return ids[text] })
}

// added enters the special tokens; those past the vocabulary make it longer.
func (f *bertJSON) added(w *WordPiece, terms []string) (map[string]int, error) {
	ids := map[string]int{}
	for i, a := range f.AddedTokens {
		switch {
		case a.ID == nil || *a.ID < 0 || *a.ID > maxID || a.Content == "":
			return nil, fmt.Errorf("added_tokens[%d] has no content, or no id from 0 to %d", i, maxID)
		case a.LStrip || a.RStrip || a.SingleWord || a.Normalized:
			return nil, fmt.Errorf("added_tokens[%d], %q, sets lstrip, rstrip, single_word or normalized, which is not implemented", i, a.Content)
		case *a.ID < len(terms) && terms[*a.ID] != a.Content:
			return nil, fmt.Errorf("added_tokens[%d], %q, has the id of %q", i, a.Content, terms[*a.ID])
		}
		if other, twice := ids[a.Content]; twice && other != *a.ID {
			return nil, fmt.Errorf("added_tokens[%d], %q, is there twice", i, a.Content)
		}
		ids[a.Content] = *a.ID
		w.special.add(a.Content, *a.ID, addedToken{})
		w.size = max(w.size, *a.ID+1)
	}
	return ids, nil
}

// normalizer reads the file's, which must be what tokenizer_config.json asks for where transformers heeds that.
func (f *bertJSON) normalizer(c *bertConfig) (bertNormalizer, error) {
	n := f.Normalizer
	if n == nil || n.Type != "BertNormalizer" || n.Clean == nil || n.Chinese == nil || n.Lower == nil {
		return bertNormalizer{}, errNotBERT("normalizer", "a BertNormalizer with clean_text, handle_chinese_chars, strip_accents and lowercase")
	}
	normal := bertNormalizer{clean: *n.Clean, chinese: *n.Chinese, accents: *n.Lower, lower: *n.Lower}
	if n.Accents != nil {
		normal.accents = *n.Accents
	}
	if want := c.normalizer(); c.bert() && normal != want {
		return normal, fmt.Errorf("normalizer (lowercase %v, strip_accents %v, handle_chinese_chars %v) is not what tokenizer_config.json asks for (%v, %v, %v): mend do_lower_case, strip_accents and tokenize_chinese_chars there",
			normal.lower, normal.accents, normal.chinese, want.lower, want.accents, want.chinese)
	}
	return normal, nil
}

// terms are the vocabulary in order of id.
func (m *wordPieceFile) terms() ([]string, error) {
	switch {
	case m == nil || m.Type != "WordPiece":
		return nil, errNotBERT("model", "of type WordPiece")
	case m.Prefix != "##":
		return nil, errNotBERT("model.continuing_subword_prefix", `"##"`)
	case m.MaxChars == nil || *m.MaxChars < 1 || *m.MaxChars > 1<<12:
		return nil, errors.New("model.max_input_chars_per_word must be 1 to 4096")
	}
	vocab, err := parseVocab(m.Vocab)
	if err != nil {
		return nil, fmt.Errorf("model.%w", err)
	}
	terms, seen := make([]string, len(vocab)), make([]bool, len(vocab))
	for _, e := range vocab {
		if e.id < 0 || e.id >= len(terms) || seen[e.id] {
			return nil, fmt.Errorf("model.vocab: token %q has id %d: ids must be 0 to %d, each once", e.token, e.id, len(terms)-1)
		}
		terms[e.id], seen[e.id] = e.token, true
	}
	return terms, nil
}
