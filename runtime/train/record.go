package train

import (
	"github.com/loupe-vl/loupe/tokenizer"
)

// Record is one line of training data: a picture, and what is wanted of it. Any of score, critique and targets may be missing,
// never all of them.
type Record struct {
	Where    string // "data.jsonl, line 3"
	number   int    // of the line
	Image    string // path
	Score    *float64
	Critique string
	Targets  map[string]float64 // by name, without the score
	Split    string             // "train", "eval" or ""
	System   string             // "": the rubric
	Prompt   string             // "": the default question
	// Messages is the whole conversation before the answer, in records of the chat layouts; System and Prompt are then "".
	Messages []tokenizer.Message
}

// value is what the record says of a target: the score, or one of the others.
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

// scoreName is the target that stands for the whole picture.
const scoreName = "score"

// dimensions are the targets of the rubric, in the order in which they are shown.
var dimensions = []string{"originality", "color", "texture", "composition", "content"}
