package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// bertConfig is what tokenizer_config.json says about BERT's tokenization.
type bertConfig struct {
	TokenizerClass string                `json:"tokenizer_class"`
	Lower          *bool                 `json:"do_lower_case"`
	Accents        *bool                 `json:"strip_accents"`
	Chinese        *bool                 `json:"tokenize_chinese_chars"`
	BasicTokenize  *bool                 `json:"do_basic_tokenize"`
	NeverSplit     json.RawMessage       `json:"never_split"`
	ModelMaxLength *float64              `json:"model_max_length"`
	Unk            *specialToken         `json:"unk_token"`
	Cls            *specialToken         `json:"cls_token"`
	Sep            *specialToken         `json:"sep_token"`
	Pad            *specialToken         `json:"pad_token"`
	Mask           *specialToken         `json:"mask_token"`
	AddedTokens    map[string]addedToken `json:"added_tokens_decoder"`
	found          bool
}

// specialToken is a token's text: a string, or an object with its content.
type specialToken string

// UnmarshalJSON reads either form.
func (s *specialToken) UnmarshalJSON(data []byte) error {
	var o struct{ Content string }
	if err := json.Unmarshal(data, (*string)(s)); err == nil {
		return nil
	}
	err := json.Unmarshal(data, &o)
	*s = specialToken(o.Content)
	return err
}

// or is the token's text, or BERT's own where the file does not say.
func (s *specialToken) or(own string) string {
	if s == nil || *s == "" {
		return own
	}
	return string(*s)
}

// LoadWordPiece reads the tokenizer of a BERT checkpoint: tokenizer.json, or vocab.txt where there is none, and
// tokenizer_config.json, which must agree with it. Files that ask for another tokenization are an error.
func LoadWordPiece(fsys fs.FS) (*WordPiece, error) {
	var c bertConfig
	const name = "tokenizer_config.json"
	data, err := readFile(fsys, name)
	if err == nil {
		c.found = true
		err = unmarshal(name, data, &c)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var w *WordPiece
	data, err = readFile(fsys, "tokenizer.json")
	switch {
	case err == nil:
		w, err = wordPieceJSON(data, &c)
	case errors.Is(err, fs.ErrNotExist):
		w, err = wordPieceText(fsys, &c)
	}
	if err != nil {
		return nil, err
	}
	if m := c.ModelMaxLength; m != nil && *m < 1<<24 { // transformers writes 1e30 for no limit
		if *m < 3 {
			return nil, fmt.Errorf("%s: model_max_length is %v; it must hold [CLS], a token and [SEP]", name, *m)
		}
		w.maxLength = int(*m)
	}
	return w, nil
}

func (c *bertConfig) check() error {
	switch c.TokenizerClass {
	case "", "BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend":
	default:
		return fmt.Errorf("tokenizer_class is %q; only BertTokenizer is implemented: use a sentence encoder that is a BERT, such as all-MiniLM-L6-v2", c.TokenizerClass)
	}
	if given(c.NeverSplit) && string(c.NeverSplit) != "[]" {
		return errors.New("never_split names words, which is not implemented: it must be null")
	}
	if c.BasicTokenize != nil && !*c.BasicTokenize {
		return errors.New("do_basic_tokenize is false, which is not implemented")
	}
	return nil
}

// normalizer is what the file asks for; transformers' own choice where it says nothing.
func (c *bertConfig) normalizer() bertNormalizer {
	is := func(b *bool, otherwise bool) bool {
		if b == nil {
			return otherwise
		}
		return *b
	}
	lower := is(c.Lower, true)
	return bertNormalizer{clean: true, chinese: is(c.Chinese, true), accents: is(c.Accents, lower), lower: lower}
}

// bert reports whether transformers would build the tokenizer from tokenizer_config.json's settings, and not from
// tokenizer.json alone.
func (c *bertConfig) bert() bool {
	return c.found && (c.TokenizerClass == "BertTokenizer" || c.TokenizerClass == "BertTokenizerFast")
}

// wordPieceText reads vocab.txt: a token a line, its id the line's number from 0.
func wordPieceText(fsys fs.FS, c *bertConfig) (*WordPiece, error) {
	data, err := readFile(fsys, "vocab.txt")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is neither tokenizer.json nor vocab.txt; fetch one of them from the model's repository")
	}
	if err != nil {
		return nil, err
	}
	if i := invalidUTF8(data); i >= 0 {
		return nil, fmt.Errorf("vocab.txt is not UTF-8 at byte %d; fetch the file again", i)
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), "\r\n", "\n"), "\n")
	if len(lines) > maxID {
		return nil, fmt.Errorf("vocab.txt has %d lines; ids go from 0 to %d", len(lines), maxID)
	}
	w, err := newWordPiece(lines, c.Unk.or("[UNK]"), 100)
	if err != nil {
		return nil, fmt.Errorf("vocab.txt: %w", err)
	}
	w.normal = c.normalizer()
	special := []string{c.Unk.or("[UNK]"), c.Sep.or("[SEP]"), c.Pad.or("[PAD]"), c.Cls.or("[CLS]"), c.Mask.or("[MASK]")}
	for _, text := range special {
		id := slices.Index(lines, text)
		if id < 0 {
			return nil, fmt.Errorf("vocab.txt: the special token %q is not in it", text)
		}
		w.special.add(text, id, addedToken{})
	}
	w.cls, w.sep = slices.Index(lines, c.Cls.or("[CLS]")), slices.Index(lines, c.Sep.or("[SEP]"))
	return w, c.agree(slices.Values(special), func(text string) int { return slices.Index(lines, text) })
}

// agree is an error where added_tokens_decoder names a token that is not among those that are known, with that id.
func (c *bertConfig) agree(known func(func(string) bool), id func(string) int) error {
	for _, key := range slices.Sorted(maps.Keys(c.AddedTokens)) {
		text, found := c.AddedTokens[key].Content, false
		for k := range known {
			found = found || k == text
		}
		if n, err := strconv.Atoi(key); err != nil || !found || id(text) != n {
			return fmt.Errorf("tokenizer_config.json: added_tokens_decoder: %q with id %s is no special token of the vocabulary; the tokenizer's files disagree", text, key)
		}
	}
	return nil
}
