package loupe

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// readInputSettings finds how pictures were shown to the model and what was asked of it while it was taught: with its score
// head, else with its adapter, else beside the model.
func (m *Model) readInputSettings(files fs.FS, o Options) error {
	type place struct {
		files fs.FS
		dir   string
	}
	var places []place
	for _, dir := range []string{o.headDir(), o.Adapter} {
		if dir != "" && (len(places) == 0 || places[0].dir != dir) {
			places = append(places, place{disk.FS(dir), dir})
		}
	}
	for _, p := range append(places, place{files, m.Dir}) {
		s, err := readFile(p.files, p.dir, weights.InputSettingsName, weights.ParseInputSettings)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case m.Taught == nil:
			m.Taught, m.taughtFrom = s, filepath.Join(p.dir, weights.InputSettingsName)
		case p.dir != m.Dir && (s.MinPixels != m.Taught.MinPixels || s.MaxPixels != m.Taught.MaxPixels):
			m.note("the adapter was taught with pictures of %d to %d pixels (%s), the score head with %d to %d (%s): the head's are used", s.MinPixels, s.MaxPixels, filepath.Join(p.dir, weights.InputSettingsName),
				m.Taught.MinPixels, m.Taught.MaxPixels, m.taughtFrom)
		}
	}
	return m.showAsTaught(&m.Processor, o)
}

// showAsTaught sets the size of pictures to that with which the model was taught, where the options do not say another.
func (m *Model) showAsTaught(p *picture.Processor, o Options) error {
	t := m.Taught
	if t == nil {
		return nil
	}
	before := *p
	if o.MinPixels == 0 {
		p.MinPixels = t.MinPixels
	}
	if o.MaxPixels == 0 {
		p.MaxPixels = t.MaxPixels
	}
	if p.MinPixels > p.MaxPixels {
		return fmt.Errorf("%s has pictures of %d to %d pixels, which does not go with Options.MinPixels %d and Options.MaxPixels %d; give both, the first not above the second", m.taughtFrom, t.MinPixels, t.MaxPixels, o.MinPixels, o.MaxPixels)
	}
	switch {
	case p.MinPixels != t.MinPixels || p.MaxPixels != t.MaxPixels:
		m.note("pictures have %d to %d pixels here, and had %d to %d while this was taught (%s): scores and answers will not be those that it was taught to give", p.MinPixels, p.MaxPixels, t.MinPixels, t.MaxPixels, m.taughtFrom)
	case p.MinPixels != before.MinPixels || p.MaxPixels != before.MaxPixels:
		m.note("pictures are resized to %d to %d pixels, as while this was taught (%s), in place of the model's own %d to %d", p.MinPixels, p.MaxPixels, m.taughtFrom, before.MinPixels, before.MaxPixels)
	}
	return nil
}

// note keeps a sentence for Notes.
func (m *Model) note(format string, a ...any) { m.Notes = append(m.Notes, fmt.Sprintf(format, a...)) }

// Wording is how a model is asked for a score or a critique where the user says nothing else.
type Wording struct {
	System, Question string
	taught           *string // the system text that the model was taught with; nil where that is not known
	from             string  // the file that says so
}

// Wording is what the model was taught with, and [Rubric] and [DefaultQuestion] where that is not known.
func (m *Model) Wording() Wording {
	w := Wording{System: Rubric, Question: DefaultQuestion, from: m.taughtFrom}
	if m.Taught == nil {
		return w
	}
	if w.taught = m.Taught.System; w.taught != nil {
		w.System = *w.taught
	}
	if m.Taught.Question != nil {
		w.Question = *m.Taught.Question
	}
	return w
}

// OtherSystem says that a system text is not the one that the model was taught with; "" where it is, or where none is known.
func (w Wording) OtherSystem(given string) string {
	if w.taught == nil || *w.taught == given {
		return ""
	}
	return fmt.Sprintf("the system text is not the one that this was taught with (%s): its answers, and scores that are read behind the question, will not be those that it was taught to give", w.from)
}

// ScoreInput asks for a score of pictures as the model was taught to be asked: with its system text and its question, or with
// [Rubric] and [DefaultQuestion] where it has none of its own, as `loupe score` does. A head that reads behind the question gives
// another score to other words.
func (m *Model) ScoreInput(images ...picture.Image) Input {
	w := m.Wording()
	return Question(w.System, w.Question, images...)
}
