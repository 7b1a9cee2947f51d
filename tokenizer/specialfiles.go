package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// ownTokens are the special tokens with names of the model's own, in the order of the file.
type ownTokens struct {
	names []string
	texts map[string]string
}

// set names a token. A name that is there already keeps its place in the order.
func (o *ownTokens) set(name, text string) {
	if _, ok := o.texts[name]; !ok {
		o.names = append(o.names, name)
	}
	o.texts[name] = text
}

// setAll sets the names of a JSON object. Any other value has none.
func (o *ownTokens) setAll(key string, raw json.RawMessage) error {
	var names map[string]json.RawMessage
	if !given(raw) || json.Unmarshal(raw, &names) != nil {
		return nil
	}
	for _, name := range keysInOrder(raw) {
		text, err := tokenText(names[name])
		if err != nil {
			return fmt.Errorf("%s: %s is %w", key, name, err)
		}
		o.set(name, text)
	}
	return nil
}

// keysInOrder are the keys of a JSON object in the order of the file. A repeated key keeps its first place.
func keysInOrder(object []byte) (keys []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return keys
		}
		if !slices.Contains(keys, name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// mergeMap writes the keys of special_tokens_map.json over those of
// tokenizer_config.json, as transformers does where there is no
// added_tokens_decoder. Tokens listed there come behind those listed here.
func (c *tokenizerConfig) mergeMap(fsys fs.FS) error {
	const name, list = "special_tokens_map.json", "extra_special_tokens"
	var object json.RawMessage
	if err := readOptional(fsys, name, &object); err != nil || object == nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := unmarshal(name, object, &values); err != nil {
		return err
	}
	all := map[string]json.RawMessage{}
	maps.Copy(all, c.all)
	for _, key := range keysInOrder(object) {
		value := values[key]
		var here, there []json.RawMessage
		if key == list && json.Unmarshal(value, &there) == nil {
			if here = nil; given(all[listKey(*c)]) && json.Unmarshal(all[listKey(*c)], &here) != nil {
				continue // an object of names here: it stays
			}
			joined, err := json.Marshal(append(here, there...))
			if err != nil {
				return fmt.Errorf("%s: %s: %w", name, key, err)
			}
			value = joined
		}
		if key == "additional_special_tokens" {
			continue // version 5 reads it in tokenizer_config.json alone
		}
		if all[key] = value; !slices.Contains(c.order, key) {
			c.order = append(c.order, key)
		}
	}
	c.all = all
	return nil
}

// checkListed refuses an added token of tokenizer.json that added_tokens_decoder
// does not list: version 4 of transformers reads it, version 5 leaves it out or
// gives it another id, so that a prompt would have other tokens than it seems.
func (t *Tokenizer) checkListed(c tokenizerConfig) error {
	if c.AddedTokensDecoder == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(t.addedTokens)) {
		token := t.addedTokens[id].Content
		if c.AddedTokensDecoder[fmt.Sprint(id)].Content != token {
			return fmt.Errorf("tokenizer.json adds the token %q with id %d, which added_tokens_decoder of tokenizer_config.json does not list; versions of transformers differ on such a token: write it there too, or take it out of tokenizer.json", token, id)
		}
	}
	return nil
}
