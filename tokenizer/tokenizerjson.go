package tokenizer

import (
	"encoding/json"
	"fmt"
)

// tokenizerJSON is the layout of Hugging Face's tokenizer.json, as far as it
// bears on Qwen2's ids. Its truncation and padding do not: they are what a
// trainer last asked for, and transformers resets both on each call.
type tokenizerJSON struct {
	AddedTokens  []addedToken `json:"added_tokens"`
	Normalizer   *component   `json:"normalizer"`
	PreTokenizer *struct {
		component
		Pretokenizers []component `json:"pretokenizers"`
	} `json:"pre_tokenizer"`
	PostProcessor *component `json:"post_processor"`
	Decoder       *component `json:"decoder"`
	Model         *modelJSON `json:"model"`
}

// component holds the keys of the components that Qwen2 uses. ByteLevel's
// trim_offsets only bears on offsets.
type component struct {
	Type    string `json:"type"`
	Pattern struct {
		Regex string `json:"Regex"`
	} `json:"pattern"`
	Behavior       string `json:"behavior"`
	Invert         bool   `json:"invert"`
	AddPrefixSpace *bool  `json:"add_prefix_space"`
	UseRegex       *bool  `json:"use_regex"`
}

type modelJSON struct {
	Type                    string          `json:"type"`
	Dropout                 *float64        `json:"dropout"`
	UnkToken                *string         `json:"unk_token"`
	ContinuingSubwordPrefix *string         `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string         `json:"end_of_word_suffix"`
	ByteFallback            bool            `json:"byte_fallback"`
	IgnoreMerges            bool            `json:"ignore_merges"`
	Vocab                   json.RawMessage `json:"vocab"`
	Merges                  json.RawMessage `json:"merges"`
}

func fromTokenizerJSON(data []byte) (*Tokenizer, error) {
	const name = "tokenizer.json"
	var f tokenizerJSON
	if err := unmarshal(name, data, &f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	vocab, err := parseVocab(f.Model.Vocab)
	if err != nil {
		return nil, fmt.Errorf("%s: model.%w", name, err)
	}
	merges, err := parseMerges(f.Model.Merges)
	if err != nil {
		return nil, fmt.Errorf("%s: model.%w", name, err)
	}
	t, err := newTokenizer(vocab, merges)
	if err != nil {
		return nil, fmt.Errorf("%s: model.%w", name, err)
	}
	for i, a := range f.AddedTokens {
		if a.ID == nil {
			return nil, fmt.Errorf("%s: added_tokens[%d] has no id", name, i)
		}
		if err := t.addToken(*a.ID, a); err != nil {
			return nil, fmt.Errorf("%s: added_tokens[%d]: %w", name, i, err)
		}
	}
	return t, nil
}

// check compares every component with Qwen2's; the error names the key.
func (f *tokenizerJSON) check() error {
	wrong := func(key, want string) error {
		return fmt.Errorf("%s is not Qwen2's: it must be %s; no other tokenizer is implemented", key, want)
	}
	if f.Normalizer == nil || f.Normalizer.Type != "NFC" {
		return wrong("normalizer", `{"type": "NFC"}`)
	}
	p := f.PreTokenizer
	if p == nil || p.Type != "Sequence" || len(p.Pretokenizers) != 2 {
		return wrong("pre_tokenizer", "a Sequence of Split and ByteLevel")
	}
	if s := p.Pretokenizers[0]; s.Type != "Split" || s.Behavior != "Isolated" || s.Invert {
		return wrong("pre_tokenizer.pretokenizers[0]", "a Split with behavior Isolated, not inverted")
	} else if s.Pattern.Regex != splitPattern {
		return wrong("pre_tokenizer.pretokenizers[0].pattern.Regex", splitPattern)
	}
	b := p.Pretokenizers[1]
	if b.Type != "ByteLevel" || b.AddPrefixSpace == nil || *b.AddPrefixSpace || b.UseRegex == nil || *b.UseRegex {
		return wrong("pre_tokenizer.pretokenizers[1]", "ByteLevel with add_prefix_space and use_regex false")
	}
	if f.PostProcessor != nil && f.PostProcessor.Type != "ByteLevel" {
		return wrong("post_processor", "null or ByteLevel")
	}
	if f.Decoder == nil || f.Decoder.Type != "ByteLevel" {
		return wrong("decoder", "ByteLevel")
	}
	m := f.Model
	switch {
	case m == nil || m.Type != "BPE":
		return wrong("model", "of type BPE")
	case m.Dropout != nil && *m.Dropout != 0:
		return wrong("model.dropout", "null")
	case m.UnkToken != nil:
		return wrong("model.unk_token", "null")
	case m.ContinuingSubwordPrefix != nil && *m.ContinuingSubwordPrefix != "":
		return wrong("model.continuing_subword_prefix", "null or empty")
	case m.EndOfWordSuffix != nil && *m.EndOfWordSuffix != "":
		return wrong("model.end_of_word_suffix", "null or empty")
	case m.ByteFallback:
		return wrong("model.byte_fallback", "false")
	case m.IgnoreMerges:
		return wrong("model.ignore_merges", "false")
	}
	return nil
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
