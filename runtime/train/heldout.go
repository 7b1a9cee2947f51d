package train

import (
	"path/filepath"

	"github.com/loupe-vl/loupe/tokenizer"
)

// heldOutLine is a record as OUT/held-out.jsonl has it.
type heldOutLine struct {
	Image    string             `json:"image,omitempty"`
	Images   []string           `json:"images,omitempty"`
	Score    *float64           `json:"score,omitempty"`
	Critique string             `json:"critique,omitempty"`
	Targets  map[string]float64 `json:"targets,omitempty"`
	Split    string             `json:"split,omitempty"`
	System   string             `json:"system,omitempty"`
	Prompt   string             `json:"prompt,omitempty"`
	Messages []heldOutTurn      `json:"messages,omitempty"`
}

type heldOutTurn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// heldOut is the record for a file in dir. Paths are relative to it, so that data and result can be moved together; where
// there is no such path, as between two drives, they are absolute.
func (r *Record) heldOut(dir string) heldOutLine {
	l := heldOutLine{Score: r.Score, Targets: r.Targets, Split: "eval", System: r.System, Prompt: r.Prompt}
	for _, path := range r.images() {
		l.Images = append(l.Images, relative(dir, path))
	}
	if len(l.Images) == 1 && r.Messages == nil {
		l.Image, l.Images = l.Images[0], nil
	}
	if r.Messages == nil {
		l.Critique = r.Critique
		return l
	}
	for _, m := range r.Messages {
		t := heldOutTurn{Role: m.Role, Content: m.Text}
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
		l.Messages = append(l.Messages, heldOutTurn{Role: "assistant", Content: r.Critique})
	}
	return l
}

// relative is path from dir, with slashes on every system.
func relative(dir, path string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return to
	}
	return filepath.ToSlash(rel)
}
