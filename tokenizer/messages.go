package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loupe-vl/loupe/weights/disk"
)

// Message is one turn of a conversation.
type Message struct {
	// Role is "system", "user" or "assistant".
	Role string
	// Text is the content where Parts is nil.
	Text string
	// Parts is the content where it mixes text and pictures.
	Parts []Part
}

// Part is a piece of a message's content.
type Part struct {
	// Type is "text", "image" or "video".
	Type string
	// Text is the text of a text part.
	Text string
	// Path is where the picture or video lies: a file path, a URL or a data:
	// URL, as the message gives it. Empty, it is for the caller to fill.
	Path string
	// Frames is a video given as pictures, in order, each like Path.
	Frames []string
	// Vision is the size and the frames that the message asks for.
	Vision VisionKeys `json:",omitzero"`
}

// The parts of a message.
const (
	TextPart  = "text"
	ImagePart = "image"
	VideoPart = "video"
)

// maxMessageValues bounds a conversation's JSON: no context holds as many messages, parts and frames.
const maxMessageValues = 1 << 18

// ParseMessages reads a conversation: the list that transformers' chat
// templates take, or an object with that list under "messages" (its other keys
// are left alone, so that a golden case file can be given). A content is a
// string or a list of parts: {"type": "text", "text"}, {"type": "image",
// "image"|"url"|"path"}, {"type": "video", "video"|"url"|"path"} or
// {"type": "image_url", "image_url": {"url"}}, where the source of a picture
// may be missing; the keys of VisionKeys may stand beside it. Any other role, type or key is an error that names the
// message and the part, counted from 0.
func ParseMessages(data []byte) ([]Message, error) {
	const name = "messages"
	if err := disk.BoundJSON(data, maxMessageValues); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		var file struct {
			Messages json.RawMessage `json:"messages"`
		}
		if err := unmarshal(name, data, &file); err != nil {
			return nil, err
		}
		if !given(file.Messages) {
			return nil, errors.New(`messages: the object has no key "messages"; give a list of messages or an object with one`)
		}
		data = file.Messages
	}
	var list []json.RawMessage
	if err := unmarshal(name, data, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("messages: the list is empty; give at least one message")
	}
	messages := make([]Message, len(list))
	for i, raw := range list {
		var err error
		if messages[i], err = parseMessage(raw); err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
	}
	return messages, nil
}

func parseMessage(raw json.RawMessage) (Message, error) {
	var m Message
	keys, err := object(raw)
	if err != nil {
		return m, err
	}
	if err := onlyKeys(keys, "role", "content"); err != nil {
		return m, err
	}
	if m.Role, err = stringKey(keys, "role"); err != nil {
		return m, err
	}
	if !slices.Contains([]string{"system", "user", "assistant"}, m.Role) {
		return m, fmt.Errorf("role %q is not system, user or assistant", m.Role)
	}
	content := keys["content"]
	if !given(content) {
		return m, errors.New("there is no content; give a string or a list of parts")
	}
	switch content[0] {
	case '"':
		m.Text, err = stringKey(keys, "content")
		return m, err
	case '[':
	default:
		return m, errors.New("content is neither a string nor a list of parts")
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(content, &parts); err != nil {
		return m, err
	}
	m.Parts = make([]Part, len(parts))
	for j, raw := range parts {
		if m.Parts[j], err = parsePart(raw); err != nil {
			return m, fmt.Errorf("part %d: %w", j, err)
		}
	}
	return m, nil
}

func parsePart(raw json.RawMessage) (Part, error) {
	var p Part
	keys, err := object(raw)
	if err != nil {
		return p, err
	}
	kind := ""
	if _, ok := keys["type"]; ok {
		if kind, err = stringKey(keys, "type"); err != nil {
			return p, err
		}
	} else {
		// Templates also know a part by its one key.
		for _, k := range []string{TextPart, ImagePart, VideoPart, "image_url"} {
			if _, ok := keys[k]; ok {
				kind = k
			}
		}
	}
	switch kind {
	case TextPart:
		if err := onlyKeys(keys, "type", "text"); err != nil {
			return p, err
		}
		p.Type = TextPart
		p.Text, err = stringKey(keys, "text")
	case ImagePart, VideoPart:
		known := append([]string{"type", kind, "url", "path"}, sizeKeys...)
		if kind == VideoPart {
			known = append(known, videoKeys...)
		}
		if err := onlyKeys(keys, known...); err != nil {
			return p, err
		}
		p.Type = kind
		if err = p.visionKeys(keys); err == nil {
			err = p.source(keys, kind, "url", "path")
		}
		if err == nil && len(p.Frames) > 0 && p.Vision.Chooses() {
			err = errors.New("nframes, min_frames, max_frames, video_start and video_end choose frames of a video file, and have no effect on a list of frames; list the frames that are meant")
		}
	case "image_url":
		if err := onlyKeys(keys, append([]string{"type", "image_url"}, sizeKeys...)...); err != nil {
			return p, err
		}
		p.Type = ImagePart
		if err = p.visionKeys(keys); err == nil {
			err = p.imageURL(keys["image_url"])
		}
	case "":
		err = errors.New("there is no type; give text, image, video or image_url")
	default:
		err = fmt.Errorf("type %q is not text, image, video or image_url", kind)
	}
	return p, err
}

// source sets where a picture lies from at most one of the keys names.
func (p *Part) source(keys map[string]json.RawMessage, names ...string) error {
	found := ""
	for _, name := range names {
		raw, ok := keys[name]
		if !ok {
			continue
		}
		if found != "" {
			return fmt.Errorf("both %q and %q are given; keep one", found, name)
		}
		found = name
		if p.Type == VideoPart && len(raw) > 0 && raw[0] == '[' {
			if err := json.Unmarshal(raw, &p.Frames); err != nil || len(p.Frames) == 0 || slices.Contains(p.Frames, "") {
				return fmt.Errorf("%q is not a list of the paths of frames", name)
			}
			continue
		}
		var err error
		if p.Path, err = stringKey(keys, name); err != nil {
			return err
		}
		if p.Path == "" {
			return fmt.Errorf("%q is empty; give a path, or leave the key out to take the next picture of the command line", name)
		}
	}
	return nil
}

// imageURL reads OpenAI's {"url": ..., "detail": ...}, or the URL alone. detail
// is theirs for choosing a size and is accepted only as "auto".
func (p *Part) imageURL(raw json.RawMessage) error {
	keys := map[string]json.RawMessage{"url": raw}
	if len(raw) > 0 && raw[0] == '{' {
		var err error
		if keys, err = object(raw); err != nil {
			return fmt.Errorf("image_url: %w", err)
		}
		if err := onlyKeys(keys, "url", "detail"); err != nil {
			return fmt.Errorf("image_url: %w", err)
		}
		if d, ok := keys["detail"]; ok && string(d) != `"auto"` {
			return fmt.Errorf(`image_url: detail %s is not "auto"; set the size with min and max pixels`, d)
		}
	}
	if _, ok := keys["url"]; !ok || !given(keys["url"]) {
		return errors.New("image_url has no url")
	}
	if err := p.source(keys, "url"); err != nil {
		return fmt.Errorf("image_url: %w", err)
	}
	return nil
}

func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return nil, errors.New("it is not an object")
	}
	return keys, nil
}

func onlyKeys(keys map[string]json.RawMessage, known ...string) error {
	for k := range keys {
		if !slices.Contains(known, k) {
			return fmt.Errorf("key %q is unknown here; known are %s", k, strings.Join(known, ", "))
		}
	}
	return nil
}

func stringKey(keys map[string]json.RawMessage, name string) (string, error) {
	raw, ok := keys[name]
	if !ok {
		return "", fmt.Errorf("there is no %s", name)
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	if strings.ContainsRune(s, utf8.RuneError) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) && !bytes.ContainsRune(raw, utf8.RuneError) {
		return "", fmt.Errorf("%s has half of a surrogate pair (\\ud800 to \\udfff), which is no character", name)
	}
	return s, nil
}
