package train

import (
	"fmt"
	"path/filepath"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/weights"
)

// taught are the input settings of the run, for later use of its result: the sizes of pictures, and what is asked about
// them.
func (r *run) taught() *weights.InputSettings {
	s := &weights.InputSettings{Version: 1, MinPixels: r.m.Processor.MinPixels, MaxPixels: r.m.Processor.MaxPixels}
	for i := range r.train {
		system, question, plain := r.train[i].asked(r.m)
		if i == 0 {
			s.System = &system
			if plain {
				s.Question = &question
			}
			continue
		}
		if s.System != nil && *s.System != system {
			s.System = nil
		}
		if s.Question != nil && (!plain || *s.Question != question) {
			s.Question = nil
		}
	}
	return s
}

// asked is the record's system text and question. plain is false if it asks more than one question after the pictures.
func (r *Record) asked(m *loupe.Model) (system, question string, plain bool) {
	turns := r.input(m, nil).Messages
	if len(turns) > 0 && turns[0].Role == "system" {
		system, turns = textIn(turns[0]), turns[1:]
	}
	if len(turns) != 1 {
		return system, "", false
	}
	for i, p := range turns[0].Parts {
		if i > 0 && p.Type == tokenizer.ImagePart && turns[0].Parts[i-1].Type != tokenizer.ImagePart {
			return system, "", false
		}
	}
	return system, textIn(turns[0]), true
}

// textIn is the text of a message without its other parts.
func textIn(m tokenizer.Message) string {
	var out strings.Builder
	out.WriteString(m.Text)
	for _, p := range m.Parts {
		out.WriteString(p.Text)
	}
	return out.String()
}

// writeTaught writes input_settings.json, unless its content is not known.
func writeTaught(dir string, s *weights.InputSettings) error {
	if s == nil {
		return nil
	}
	if err := weights.WriteInputSettings(filepath.Join(dir, weights.InputSettingsName), s); err != nil {
		return fmt.Errorf("write how the model was taught: %w", err)
	}
	return nil
}
