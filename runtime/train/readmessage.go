package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/tokenizer"
)

// roles are the chat layouts' names of who speaks.
var roles = map[string]string{"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "bot": "assistant", "model": "assistant"}

// messages reads a list of messages, or one text that side says.
func (r *reader) messages(raw json.RawMessage, side string, line int) (out []tokenizer.Message, err error) {
	if kindOf(raw) == textKind {
		text, err := textOf(raw)
		return []tokenizer.Message{{Role: side, Text: text}}, err
	}
	if k := kindOf(raw); k != listKind && k != nullKind {
		return nil, fmt.Errorf("its messages are %s; give a list of them", k)
	}
	for i, raw := range listOf(raw) {
		m, err := r.message(raw, line)
		if err != nil {
			return nil, fmt.Errorf("message %d %w", i+1, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// message reads one, as {"role", "content"} or {"from", "value"}.
func (r *reader) message(raw json.RawMessage, line int) (m tokenizer.Message, err error) {
	f, err := parseFields(raw)
	if err != nil {
		return m, fmt.Errorf("is wrong: %w", err)
	}
	var said string
	content := json.RawMessage(nil)
	for _, name := range f.names {
		value := f.values[name]
		switch name {
		case "role", "from":
			if said, err = textOf(value); err != nil {
				return m, fmt.Errorf("has a role that %w", err)
			}
		case "content", "value":
			if kindOf(value) != nullKind {
				content = value
			}
		default:
			if kindOf(value) != nullKind {
				r.leave(messageKey, name, kindOf(value), line)
			}
		}
	}
	role := roles[said]
	if role == "" {
		return m, fmt.Errorf("is of %q; system, user and assistant are known", said)
	}
	switch kindOf(content) {
	case textKind:
		text, err := textOf(content)
		return tokenizer.Message{Role: role, Text: text}, err
	case listKind:
		return messageParts(role, content)
	case nullKind:
		if role == "assistant" {
			return tokenizer.Message{Role: role}, nil // an answer is missing
		}
	}
	return m, fmt.Errorf("has no content, but the keys %s; give a text or a list of parts", quoted(f.names))
}

// ownSizes are keys by which a part says the size of its own picture.
var ownSizes = []string{"min_pixels", "max_pixels", "resized_height", "resized_width", "total_pixels", "fps", "nframes"}

// messageParts reads a content of parts, as transformers' chat templates take them. Keys that are null are those of other kinds of
// parts, which a table of rows has to write.
func messageParts(role string, content json.RawMessage) (m tokenizer.Message, err error) {
	var clean []map[string]json.RawMessage
	for _, raw := range listOf(content) {
		if kindOf(raw) == textKind {
			raw = json.RawMessage(`{"type":"text","text":` + string(raw) + `}`)
		}
		f, err := parseFields(raw)
		if err != nil {
			return m, fmt.Errorf("has a part that is wrong: %w", err)
		}
		part := map[string]json.RawMessage{}
		for _, name := range f.names {
			value := f.values[name]
			if kindOf(value) != nullKind && slices.Contains(ownSizes, name) {
				return m, fmt.Errorf("has a part with %s; pictures that are learned from have one size for all, by Options.MinPixels and Options.MaxPixels: leave the key away", name)
			}
			if kindOf(value) == objectKind && name == "image" {
				paths, err := imagePaths(value)
				if err != nil || len(paths) != 1 {
					return m, fmt.Errorf("has a part whose %w", errors.Join(err, errors.New("image is no path")))
				}
				value, _ = json.Marshal(paths[0]) // a string
			}
			if kindOf(value) != nullKind {
				part[name] = value
			}
		}
		clean = append(clean, part)
	}
	text, err := json.Marshal([]any{map[string]any{"role": role, "content": clean}})
	if err != nil {
		return m, fmt.Errorf("is wrong: %w", err)
	}
	parsed, err := tokenizer.ParseMessages(text)
	if err != nil {
		return m, fmt.Errorf("is wrong: %s", strings.TrimPrefix(err.Error(), "message 0: "))
	}
	return parsed[0], nil
}
