package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// specialNames are the keys of tokenizer_config.json that name a special token
// of every tokenizer, in the order in which transformers adds those that the
// vocabulary lacks (SPECIAL_TOKENS_ATTRIBUTES).
var specialNames = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// Named is the token that tokenizer_config.json gives a name of the model's own
// ("image_token"), or otherwise where it gives none.
func (t *Tokenizer) Named(name, otherwise string) string {
	if token, ok := t.named[name]; ok {
		return token
	}
	return otherwise
}

// addSpecials makes the special tokens that tokenizer_config.json names or
// lists added tokens. One that the vocabulary lacks gets the next id, as
// transformers gives it: files of version 5 have them all in tokenizer.json,
// but some tools write the list alone.
func (t *Tokenizer) addSpecials(specials []string) error {
	for _, token := range specials {
		id, ok := t.ids[token]
		if _, already := t.addedTokens[id]; ok && already {
			continue
		}
		if !ok {
			id = len(t.raw)
		}
		if err := t.addToken(id, addedToken{Content: token, Special: true}); err != nil {
			return fmt.Errorf("special token: %w", err)
		}
	}
	return nil
}

// specials are the special tokens that tokenizer_config.json names or lists, in
// the order in which transformers adds them.
func (t *Tokenizer) specials(c tokenizerConfig) (tokens []string, err error) {
	t.named = map[string]string{}
	for _, key := range specialNames {
		token, err := tokenText(c.all[key])
		if err != nil {
			return nil, fmt.Errorf("%s is %w", key, err)
		}
		tokens = append(tokens, token)
	}
	for _, key := range slices.Sorted(maps.Keys(c.all)) {
		token, err := tokenText(c.all[key])
		if strings.HasSuffix(key, "_token") && !slices.Contains(specialNames, key) && err == nil && token != "" {
			t.named[key] = token
			tokens = append(tokens, token)
		}
	}
	listed, err := t.listedSpecials(c)
	tokens = append(tokens, listed...)
	return slices.DeleteFunc(tokens, func(s string) bool { return s == "" }), err
}

// listedSpecials are the tokens of extra_special_tokens (version 5), a list or
// an object of names, else those of additional_special_tokens (version 4).
func (t *Tokenizer) listedSpecials(c tokenizerConfig) (tokens []string, err error) {
	key := "extra_special_tokens"
	if s := string(c.all[key]); s == "" || s == "null" || s == "[]" || s == "{}" {
		key = "additional_special_tokens"
	}
	raw := c.all[key]
	if !given(raw) {
		return nil, nil
	}
	var names map[string]json.RawMessage
	if json.Unmarshal(raw, &names) == nil {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			token, err := tokenText(names[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %s is %w", key, name, err)
			}
			t.named[name] = token
			tokens = append(tokens, token)
		}
		return tokens, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, fmt.Errorf("%s is neither a list nor an object of tokens", key)
	}
	for i, x := range list {
		token, err := tokenText(x)
		if err != nil {
			return nil, fmt.Errorf("%s[%d] is %w", key, i, err)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// tokenText is a token as it is written, or an object with its content; "" for none.
func tokenText(raw json.RawMessage) (string, error) {
	if !given(raw) {
		return "", nil
	}
	var token struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &token.Content) != nil && json.Unmarshal(raw, &token) != nil {
		return "", errors.New("neither a string nor a token")
	}
	return token.Content, nil
}

// addLegacy adds the tokens of added_tokens.json, which stands for
// added_tokens_decoder in directories of old, and beside a vocab.json.
func (t *Tokenizer) addLegacy(fsys fs.FS, specials []string) error {
	const name = "added_tokens.json"
	var ids map[string]int
	if err := readOptional(fsys, name, &ids); err != nil {
		return err
	}
	for _, token := range slices.SortedFunc(maps.Keys(ids), func(a, b string) int { return ids[a] - ids[b] }) {
		if _, there := t.ids[token]; there && t.ids[token] == ids[token] && t.addedTokens[ids[token]].Content == token {
			continue // tokenizer.json has it, with its flags
		}
		special := slices.Contains(specials, token)
		if err := t.addToken(ids[token], addedToken{Content: token, Special: special, Normalized: !special}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
