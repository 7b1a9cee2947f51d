package train

import (
	"slices"

	"github.com/loupe-vl/loupe/tokenizer"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// Record is one line of training data: pictures, and the score, critique and targets to learn. Any of the three may be
// missing, never all.
type Record struct {
	Where  string // "data.jsonl, line 3"
	file   string // of it, where several files were read; else ""
	unit   string // "line", or "record" where a file has all in one line
	number int    // of the line or record
	// Image is the path of the picture, of the first where there are several; "" in a conversation of text alone.
	Image    string
	Others   []string // paths of further pictures, in the order of their places
	Score    *float64
	Critique string
	Targets  map[string]float64 // by name, without the score
	Split    string             // "train", "eval", "test" or ""
	System   string             // "": what the model was taught with, or the rubric
	Prompt   string             // "": what the model was taught with, or the default question
	// Messages is the whole conversation before the answer, in records of the chat layouts; System and Prompt are then "".
	Messages []tokenizer.Message
}

// images are the paths of the record's pictures, in the order of their places.
func (r *Record) images() []string {
	if r.Image == "" {
		return nil
	}
	return append([]string{r.Image}, r.Others...)
}

// value is the record's value of a target, which may be the score.
func (r *Record) value(target string) (v float64, ok bool) {
	if target == scoreName {
		if r.Score != nil {
			return *r.Score, true
		}
		return 0, false
	}
	v, ok = r.Targets[target]
	return v, ok
}

// taught reports whether the record has a value for a target of the head.
func (r *Record) taught(h *vit.Head) bool {
	_, present := r.values(h)
	return slices.Contains(present, true)
}

// setValue sets the record's value of a target.
func (r *Record) setValue(target string, v float64) {
	if target == scoreName {
		r.Score = &v
		return
	}
	if r.Targets == nil {
		r.Targets = map[string]float64{}
	}
	r.Targets[target] = v
}

// scoreName is the target that stands for the whole picture.
const scoreName = weights.ScoreName

// dimensions are the targets of the rubric, in the order in which they are shown.
var dimensions = []string{"originality", "color", "texture", "composition", "content"}
