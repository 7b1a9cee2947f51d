package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/loupe-vl/loupe/tokenizer"
)

// readLines reads JSON Lines; empty lines are skipped.
func readLines(text []byte, each func(line int, r Record, err error)) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(bytes.TrimSpace(line)) > 0 {
			r, err := parseRecord(line)
			each(n, r, err)
		}
	}
	return nil
}

// readArray reads a JSON array of records, which is what LLaMA-Factory's .json files are.
func readArray(text []byte, each func(line int, r Record, err error)) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	at, line := 0, 1
	for d.More() {
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return fmt.Errorf("after line %d: %w", line, err)
		}
		begin := int(d.InputOffset()) - len(element)
		line += bytes.Count(text[at:begin], []byte("\n"))
		at = begin
		r, err := parseRecord(element)
		each(line, r, err)
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("the array does not end: %w", err)
	}
	return nil
}

// line is a record as JSON has it, in loupe's layout or in those of LLaMA-Factory and ms-swift.
type line struct {
	Image    string             `json:"image,omitempty"`
	Score    *float64           `json:"score,omitempty"`
	Critique string             `json:"critique,omitempty"`
	Targets  map[string]float64 `json:"targets,omitempty"`
	Split    string             `json:"split,omitempty"`
	System   string             `json:"system,omitempty"`
	Prompt   string             `json:"prompt,omitempty"`

	Messages      []turn          `json:"messages,omitempty"`
	Conversations []turn          `json:"conversations,omitempty"`
	Images        paths           `json:"images,omitempty"`
	Videos        json.RawMessage `json:"videos,omitempty"`
	Label         json.RawMessage `json:"label,omitempty"` // ms-swift's value of a regression
}

// turn is a message of the chat layouts: role and content, or from and value.
type turn struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content,omitempty"`
	From    string `json:"from,omitempty"`
	Value   string `json:"value,omitempty"`
}

// paths are a list of files, or one; ms-swift also writes {"path": FILE}.
type paths []string

// UnmarshalJSON reads each of the forms.
func (p *paths) UnmarshalJSON(text []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		list = []json.RawMessage{text}
	}
	*p = nil
	for _, item := range list {
		var name string
		var file struct{ Path string }
		if json.Unmarshal(item, &name) != nil {
			if err := json.Unmarshal(item, &file); err != nil || file.Path == "" {
				return fmt.Errorf("images: %s is no path", item)
			}
			name = file.Path
		}
		*p = append(*p, name)
	}
	return nil
}

func parseRecord(text []byte) (Record, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	chat := bytes.Contains(text, []byte(`"messages"`)) || bytes.Contains(text, []byte(`"conversations"`))
	if !chat {
		d.DisallowUnknownFields() // a misspelt key would be a loss left out
	}
	if err := d.Decode(&l); err != nil {
		return Record{}, fmt.Errorf("%w; a record is an object with image and any of score, critique, targets, split, system, prompt, or messages with images", err)
	}
	if d.More() {
		return Record{}, errors.New("more stands behind the record; one line is one record")
	}
	r := Record{Image: l.Image, Score: l.Score, Critique: l.Critique, Targets: l.Targets, Split: l.Split, System: l.System, Prompt: l.Prompt}
	if l.Messages == nil && l.Conversations == nil {
		if l.Images != nil || l.Videos != nil || l.Label != nil {
			return r, errors.New("images, videos and label belong to the chat layouts, with messages; else give image and score")
		}
		return r, nil
	}
	if v := string(l.Videos); v != "" && v != "null" && v != "[]" {
		return r, errors.New("it has videos; records of one picture can be learned from")
	}
	if l.Label != nil && r.Score == nil {
		if err := json.Unmarshal(l.Label, &r.Score); err != nil {
			return r, fmt.Errorf("label is %s; one number is read, as the score; give several as targets", l.Label)
		}
	}
	return r, r.chat(append(l.Messages, l.Conversations...), l.Images)
}

// roles are the chat layouts' names of who speaks.
var roles = map[string]string{"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}

// placeholder is the place of a picture in a text of the chat layouts.
const placeholder = "<image>"

// chat takes a conversation apart: its last answer is the critique, <image> in a text is the picture's place. Without any,
// the picture comes first in what the user says first, as ms-swift has it.
func (r *Record) chat(turns []turn, images []string) error {
	if r.Critique != "" || r.Prompt != "" {
		return errors.New("it has messages beside critique or prompt; give one or the other")
	}
	if r.Image == "" && len(images) == 1 {
		r.Image = images[0]
	} else if len(images) != 0 || r.Image == "" {
		return fmt.Errorf("it has %d images; records of one picture can be learned from", len(images))
	}
	if r.System != "" {
		r.Messages = append(r.Messages, tokenizer.Message{Role: "system", Text: r.System})
		r.System = ""
	}
	placed, first := 0, -1
	for i, t := range turns {
		role, text := roles[t.Role+t.From], t.Content+t.Value
		if role == "" {
			return fmt.Errorf("message %d is of %q; system, user and assistant are known", i+1, t.Role+t.From)
		}
		if i == len(turns)-1 && role == "assistant" {
			r.Critique = text
			break
		}
		m := tokenizer.Message{Role: role}
		for j, piece := range strings.Split(text, placeholder) {
			if j > 0 {
				m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.ImagePart})
				placed++
			}
			if piece != "" {
				m.Parts = append(m.Parts, tokenizer.Part{Type: tokenizer.TextPart, Text: piece})
			}
		}
		if role == "user" && first < 0 {
			first = len(r.Messages)
		}
		r.Messages = append(r.Messages, m)
	}
	switch {
	case first < 0:
		return errors.New("its messages hold nothing that the user says")
	case placed == 0:
		r.Messages[first].Parts = append([]tokenizer.Part{{Type: tokenizer.ImagePart}}, r.Messages[first].Parts...)
	case placed != 1:
		return fmt.Errorf("its messages have %d places <image> for one picture", placed)
	}
	return nil
}

// line is the record as readLines takes it, for evaluation, with the whole path of its picture.
func (r *Record) line() (l line, err error) {
	l = line{Score: r.Score, Targets: r.Targets, Split: "eval", System: r.System, Prompt: r.Prompt}
	path, err := filepath.Abs(r.Image)
	if err != nil {
		return l, err
	}
	if r.Messages == nil {
		l.Image, l.Critique = path, r.Critique
		return l, nil
	}
	l.Images = paths{path}
	for _, m := range r.Messages {
		t := turn{Role: m.Role, Content: m.Text}
		for _, p := range m.Parts {
			if p.Type == tokenizer.ImagePart {
				t.Content += placeholder
			} else {
				t.Content += p.Text
			}
		}
		l.Messages = append(l.Messages, t)
	}
	if r.Critique != "" {
		l.Messages = append(l.Messages, turn{Role: "assistant", Content: r.Critique})
	}
	return l, nil
}
