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

// Named is the token that tokenizer_config.json gives a name such as "image_token"; otherwise, if it does not have the
// name.
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
	own := ownTokens{texts: map[string]string{}}
	for _, key := range c.order {
		token, err := tokenText(c.all[key])
		if strings.HasSuffix(key, "_token") && !slices.Contains(specialNames, key) && err == nil && token != "" {
			own.set(key, token)
		}
	}
	key := listKey(c)
	if err := own.setAll(key, c.all[key]); err != nil {
		return nil, err
	}
	if len(own.names) == 0 { // otherwise transformers overwrites it
		if err := own.setAll("model_specific_special_tokens", c.all["model_specific_special_tokens"]); err != nil {
			return nil, err
		}
	}
	for _, name := range own.names {
		t.named[name] = own.texts[name]
		tokens = append(tokens, own.texts[name])
	}
	listed, err := listedSpecials(key, c.all[key])
	tokens = append(tokens, listed...)
	return slices.DeleteFunc(tokens, func(s string) bool { return s == "" }), err
}

// listKey is the key of the special tokens that are listed: extra_special_tokens
// (version 5), else additional_special_tokens (version 4).
func listKey(c tokenizerConfig) string {
	switch string(c.all["extra_special_tokens"]) {
	case "", "null", "[]", "{}":
		return "additional_special_tokens"
	}
	return "extra_special_tokens"
}

// listedSpecials are the tokens of a list. An object of names is no list.
func listedSpecials(key string, raw json.RawMessage) (tokens []string, err error) {
	var list []json.RawMessage
	if !given(raw) || raw[0] == '{' {
		return nil, nil
	}
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

// addLegacy adds the tokens of added_tokens.json, which old directories, and those with a vocab.json, have in place of
// added_tokens_decoder.
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
