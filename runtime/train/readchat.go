package train

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/tokenizer"
)

// placeholder is the place of a picture in a text of the chat layouts.
const placeholder = "<image>"

// foreign matches what other programs put in a text in the place of a picture, a video or a box.
var foreign = regexp.MustCompile(`<(video|audio|image_placeholder|ImageHere|IMG_CONTEXT|img|bbox|ref-object|image_?[0-9]+|\|image_[0-9]+\||\|image_pad\||\|video_pad\||\|vision_start\|)>`)

// plainWords refuses a text with such a placeholder in it: it would be learned letter by letter.
func plainWords(text string) error {
	if found := foreign.FindString(text); found != "" {
		return fmt.Errorf("its text has %s, which stands for something in other programs and is plain letters here; write %s at the place of a picture, and what a box or a name is as text", found, placeholder)
	}
	return nil
}

// ask reads the pictures and the question about them, in the record's own layout.
func (r *reader) ask(out *Record, l *layout, line int) error {
	images, err := imagePaths(l.values["image"])
	if err != nil {
		return err
	}
	several, err := imagePaths(l.values["images"])
	if err != nil {
		return err
	}
	if len(images) > 0 && len(several) > 0 && !slices.Equal(images, several) {
		return errors.New("it has image and images; give one of the two")
	}
	if len(images) == 0 {
		images = several
	}
	if l.keys == nil {
		return out.question(l, images)
	}
	turns, err := r.turns(l, line)
	if err != nil {
		return err
	}
	for _, t := range turns {
		if err := plainWords(textIn(t)); err != nil {
			return err
		}
	}
	if out.Critique != "" {
		return errors.New("it has an answer in its conversation and a critique; give one or the other")
	}
	return r.converse(out, l, turns, images, line)
}

// question reads loupe's own layout.
func (r *Record) question(l *layout, images []string) (err error) {
	if r.Prompt, err = textOf(l.values["prompt"]); err != nil {
		return fmt.Errorf("prompt %w", err)
	}
	if err := plainWords(r.Prompt); err != nil {
		return err
	}
	if len(images) > 0 {
		r.Image, r.Others = images[0], images[1:]
	}
	if n := strings.Count(r.Prompt, placeholder); n > 0 { // the pictures stand before the question anyway
		lead := strings.Repeat(placeholder, n)
		if n != len(images) || !strings.HasPrefix(r.Prompt, lead) {
			return fmt.Errorf("its prompt has %d places <image> for %d pictures; pictures come before the question, and a conversation with pictures elsewhere is given as messages", n, len(images))
		}
		r.Prompt = strings.TrimPrefix(r.Prompt, lead)
	}
	return nil
}

// turns are the messages of the record's layout.
func (r *reader) turns(l *layout, line int) (turns []tokenizer.Message, err error) {
	add := func(role, text string) { turns = append(turns, tokenizer.Message{Role: role, Text: text}) }
	texts := map[string]string{}
	for _, key := range []string{"instruction", "input", "output", "query", "response"} {
		if slices.Contains(l.keys, key) {
			if texts[key], err = textOf(l.values[key]); err != nil {
				return nil, fmt.Errorf("%s %w", key, err)
			}
		}
	}
	if slices.Contains(l.keys, "history") {
		for i, pair := range listOf(l.values["history"]) {
			said := listOf(pair)
			if len(said) != 2 {
				return nil, fmt.Errorf("history holds %.60s; give pairs of a question and its answer", pair)
			}
			for j, role := range []string{"user", "assistant"} {
				text, err := textOf(said[j])
				if err != nil {
					return nil, fmt.Errorf("history %d %w", i+1, err)
				}
				add(role, text)
			}
		}
	}
	switch {
	case slices.Equal(l.keys, chatKeys):
		if l.values["messages"] != nil && l.values["conversations"] != nil {
			return nil, errors.New("it has messages and conversations; give one of the two")
		}
		raw := l.values["messages"]
		if raw == nil {
			raw = l.values["conversations"]
		}
		return r.messages(raw, "user", line)
	case slices.Equal(l.keys, pairKeys):
		asked, err := r.messages(l.values["prompt"], "user", line)
		if err != nil {
			return nil, fmt.Errorf("prompt: %w", err)
		}
		said, err := r.messages(l.values["completion"], "assistant", line)
		if err != nil {
			return nil, fmt.Errorf("completion: %w", err)
		}
		return append(asked, said...), nil
	case slices.Equal(l.keys, alpacaKeys):
		var asked []string
		for _, text := range []string{texts["instruction"], texts["input"]} {
			if !absent(text) {
				asked = append(asked, text)
			}
		}
		add("user", strings.Join(asked, "\n"))
		add("assistant", texts["output"])
	default:
		add("user", texts["query"])
		add("assistant", texts["response"])
	}
	return turns, nil
}

// converse splits a conversation. The last answer is the critique. An image part, or <image> in a text, is the place of a
// picture; without any, the pictures come first in the user's first message, as in ms-swift.
func (r *reader) converse(out *Record, l *layout, turns []tokenizer.Message, images []string, line int) error {
	if out.System != "" {
		if len(turns) > 0 && turns[0].Role == "system" {
			return errors.New("it has a system text in its conversation and one beside it; give one of the two")
		}
		turns = append([]tokenizer.Message{{Role: "system", Text: out.System}}, turns...)
		out.System = ""
	}
	if n := len(turns); n > 0 && turns[n-1].Role == "assistant" {
		if out.Critique = plain(turns[n-1]); out.Critique == "" && len(turns[n-1].Parts) > 0 {
			return errors.New("its last answer has parts that are no text")
		}
		turns = turns[:n-1]
	}
	var placed []string
	first, next, answers := -1, 0, 0
	for _, t := range turns {
		m := tokenizer.Message{Role: t.Role}
		content := t.Parts
		if content == nil {
			content = []tokenizer.Part{{Type: tokenizer.TextPart, Text: t.Text}}
		}
		for _, p := range content {
			if p.Type == tokenizer.VideoPart {
				return errors.New("it has a video; records of pictures can be learned from")
			}
			m.Parts = append(m.Parts, atPlaces(p)...)
		}
		for i := range m.Parts {
			p := &m.Parts[i]
			if p.Type != tokenizer.ImagePart {
				continue
			}
			if p.Path == "" && next < len(images) {
				p.Path = images[next]
				next++
			}
			if err := checkPath(p.Path); err != nil {
				return err
			}
			placed = append(placed, p.Path)
			p.Path = ""
		}
		if t.Role == "user" && first < 0 {
			first = len(out.Messages)
		}
		if t.Role == "assistant" {
			answers++
		}
		out.Messages = append(out.Messages, m)
	}
	switch {
	case first < 0:
		return errors.New("its messages hold nothing that the user says")
	case len(placed) == 0:
		var lead []tokenizer.Part
		for range images {
			lead = append(lead, tokenizer.Part{Type: tokenizer.ImagePart})
		}
		out.Messages[first].Parts = append(lead, out.Messages[first].Parts...)
		placed = images
	case slices.Contains(placed, "") || next != len(images) && !slices.Equal(placed, images):
		return fmt.Errorf("its messages have %d places for pictures (<image>, or parts of the type image), and it names %s", len(placed), counted(len(images), "picture"))
	}
	if len(placed) > 0 {
		out.Image, out.Others = placed[0], placed[1:]
	} else if len(l.pictured) > 0 {
		return fmt.Errorf("it names no picture, but has %s, which may be one: call the key images, or read it with train.ReadOptions.Columns image=%s", quoted(l.pictured), l.pictured[0])
	}
	if answers > 0 {
		r.answers.add(line)
	}
	return nil
}

// plain is the text of a message without any other part.
func plain(m tokenizer.Message) string {
	if m.Parts == nil {
		return m.Text
	}
	var out strings.Builder
	for _, p := range m.Parts {
		if p.Type != tokenizer.TextPart {
			return ""
		}
		out.WriteString(p.Text)
	}
	return out.String()
}

// atPlaces cuts a text at the places of its pictures.
func atPlaces(p tokenizer.Part) (out []tokenizer.Part) {
	if p.Type != tokenizer.TextPart {
		return []tokenizer.Part{p}
	}
	for i, piece := range strings.Split(p.Text, placeholder) {
		if i > 0 {
			out = append(out, tokenizer.Part{Type: tokenizer.ImagePart})
		}
		if piece != "" {
			out = append(out, tokenizer.Part{Type: tokenizer.TextPart, Text: piece})
		}
	}
	return out
}
