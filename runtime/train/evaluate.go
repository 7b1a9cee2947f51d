package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/runtime/train/sbert"
	"github.com/loupe-vl/loupe/vit/picture"
	"github.com/loupe-vl/loupe/weights/option"
)

// EvalOptions say what Evaluate does beside scoring. The zero value is ready to use.
type EvalOptions struct {
	metrics.Options
	Raters     string           // what several ratings of one picture come to: one of the names in RaterModes, or "" for the first
	Critique   bool             // write a critique of each picture, in the pass that scores it
	Generation loupe.Generation // of the critiques
	Encoder    *sbert.Encoder   // compares them with the records'; nil: they are not compared
	Lines      io.Writer        // gets one line of JSON a record; nil: nobody does
	// Interventions apply to scores. Critiques are written without them.
	Interventions []loupe.Intervention
	Done          func(n int) // is told after each record how many are done; nil: nobody is
	// ErrorText is what a line says of an error; nil: the error's own text.
	ErrorText func(error) string
}

func (o EvalOptions) errorText(err error) string {
	if o.ErrorText == nil {
		return err.Error()
	}
	return o.ErrorText(err)
}

// Prediction is what a model says of one record's picture, beside what the record says (the truth).
type Prediction struct {
	Image     string             `json:"image"`
	Score     *float64           `json:"score,omitempty"`     // the record's
	Predicted *float64           `json:"predicted,omitempty"` // the head's target of the name score, clamped to its range
	Targets   map[string]float64 `json:"targets,omitempty"`
	Outputs   map[string]float64 `json:"predicted_targets,omitempty"` // by name, clamped too
	Critique  *string            `json:"critique,omitempty"`          // the model's
	Cosine    *float64           `json:"cosine,omitempty"`            // of it and the record's critique
	Error     string             `json:"error,omitempty"`             // why there is nothing else
}

// Evaluation has a report on the scores, one on each other target of the records, and the similarity of critiques. What the
// records do not hold, or nobody asked for, is nil.
type Evaluation struct {
	*metrics.Report
	*Similarity
	Targets map[string]metrics.Report `json:"targets,omitempty"`
	// Raters is how far several ratings of one picture agree, by target; nil where no picture has two.
	Raters map[string]*metrics.Agreement `json:"raters,omitempty"`
	// Notes are sentences about what is not compared.
	Notes  []string `json:"notes,omitempty"`
	Failed int      `json:"failed,omitempty"` // records that could not be judged and are in no number
	// Device is what the model computed on; nil: a CPU.
	Device *loupe.DeviceInfo `json:"device,omitempty"`

	Pairs  metrics.Pairs `json:"-"` // the scores that the report is of
	of     int           // records in all
	failed []error
	shown  [][]digest // of each record, its pictures
}

// Err is the error of the records without a prediction; nil: all have one.
func (e *Evaluation) Err() error {
	if e.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d records could not be judged: %w", e.Failed, e.of, listed(e.failed))
}

// predict scores a record's picture and, if asked for, writes a critique of it.
func (r *Record) predict(ctx context.Context, m *loupe.Model, images []picture.Image, o EvalOptions) (Prediction, error) {
	prompt, err := m.Prepare(ctx, r.input(m, images))
	if err != nil {
		return Prediction{}, err
	}
	j := Prediction{Image: r.Image, Score: r.Score, Targets: r.Targets}
	var s *loupe.Score
	if o.Critique || o.Encoder != nil {
		var text string
		if s, text, err = critique(ctx, m, prompt, o.Generation); err != nil {
			return Prediction{}, err
		}
		j.Critique = &text
	} else if len(images) > 0 { // a conversation of text alone has no score
		if len(o.Interventions) > 0 {
			s, err = loupe.ScoreWith(ctx, m, prompt, o.Interventions)
		} else {
			s, err = m.Score(ctx, prompt)
		}
		if err != nil {
			return Prediction{}, err
		}
	}
	if s == nil {
		return j, nil
	}
	j.Outputs = map[string]float64{}
	for _, t := range s.Targets {
		j.Outputs[t.Name] = t.Clamped
		if t.Name == scoreName {
			j.Predicted = &t.Clamped
		}
	}
	return j, nil
}

// critique answers a prompt. The score is nil where the model has no head.
func critique(ctx context.Context, m *loupe.Model, prompt *loupe.Prompt, g loupe.Generation) (*loupe.Score, string, error) {
	a, err := m.Answer(ctx, prompt, g)
	if err != nil {
		return nil, "", err
	}
	text, err := a.Text()
	if err != nil {
		return nil, "", err
	}
	return a.Score, text, nil
}

// checkAsked refuses, before the first picture, what the records or the model cannot answer. notes say what they can answer
// only in part.
func checkAsked(m *loupe.Model, records []Record, o EvalOptions) (notes []string, err error) {
	critiques := slices.ContainsFunc(records, func(r Record) bool { return r.Critique != "" })
	told := targetNames(records)
	switch {
	case o.Raters != "" && !slices.Contains(RaterModes, o.Raters):
		return nil, &option.Error{Field: "train.EvalOptions.Raters", Value: o.Raters, Want: "give mean or each"}
	case o.Encoder != nil && !critiques:
		return nil, &option.Error{Field: "train.EvalOptions.Encoder", Fault: "no record has a critique for train.EvalOptions.Encoder to compare with"}
	case m.Head == nil && (len(told) > 0 || o.Encoder == nil):
		return nil, &option.Error{Field: "Options.Head", Fault: "the model has no score head", Want: "give Options.Head, or Options.Adapter with one"}
	case len(told) == 0 && o.Encoder == nil:
		return nil, errors.New("no record has a score to compare with; critiques are compared with train.EvalOptions.Encoder")
	case m.Head == nil:
		return nil, nil
	}
	known := m.Targets()
	lacking := slices.DeleteFunc(slices.Clone(told), func(name string) bool { return slices.Contains(known, name) })
	if len(lacking) == len(told) && len(told) > 0 {
		return nil, fmt.Errorf("the score head has the targets %s, and the records have %s: a target is compared with that of its name, and none is the same; name the columns as the head has them (by train.ReadOptions.Columns), or take another Options.Head",
			strings.Join(known, ", "), strings.Join(told, ", "))
	}
	if len(lacking) > 0 {
		notes = append(notes, fmt.Sprintf("the score head has no target %s: what the records say of it is compared with nothing", strings.Join(lacking, ", ")))
	}
	if idle := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return slices.Contains(told, name) }); len(idle) > 0 && len(told) > 0 {
		notes = append(notes, fmt.Sprintf("the records have no target %s, which the score head tells: it is not judged", strings.Join(idle, ", ")))
	}
	return notes, nil
}

// Evaluate compares a model's predictions with the records. A record without a prediction, for example because its picture
// is damaged, is left out and reported by Err. The lines that are done are written even if the error is not nil.
func Evaluate(ctx context.Context, m *loupe.Model, records []Record, o EvalOptions) (*Evaluation, error) {
	notes, err := checkAsked(m, records, o)
	if err != nil {
		return nil, err
	}
	e := &Evaluation{of: len(records), Notes: notes, Device: m.GPU(), shown: make([][]digest, len(records))}
	lines := make([]Prediction, 0, len(records))
	defer func() { writeLines(o.Lines, lines) }()
	for i := range records {
		r := &records[i]
		images, err := r.load(ctx)
		var j Prediction
		if err == nil {
			e.shown[i] = r.digests(images)
			j, err = r.predict(ctx, m, images, o)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if broken := m.RecoverDevice(); broken != nil {
				return nil, fmt.Errorf("the device can compute nothing more: %w; %d of %d records are done", broken, i, len(records))
			}
		}
		if err != nil {
			e.Failed++
			e.failed = append(e.failed, recordError(r, err))
			j = Prediction{Image: r.Image, Error: o.errorText(err)}
		}
		lines = append(lines, j)
		if o.Done != nil {
			o.Done(i + 1)
		}
	}
	if e.Failed == len(records) {
		return nil, e.Err()
	}
	if err := e.reports(ctx, records, lines, o); err != nil {
		return nil, err
	}
	if o.Encoder == nil {
		return e, nil
	}
	return e, e.similarity(ctx, records, lines, o)
}

// similarity compares the critiques of the records that have one, and enters the cosines in their lines.
func (e *Evaluation) similarity(ctx context.Context, records []Record, lines []Prediction, o EvalOptions) error {
	var references, critiques []string
	var of []*Prediction
	var numbers []int
	for i := range lines {
		if j := &lines[i]; j.Critique != nil && records[i].Critique != "" {
			references, critiques, of, numbers = append(references, records[i].Critique), append(critiques, *j.Critique), append(of, j), append(numbers, i)
		}
	}
	if len(of) == 0 {
		return e.Err() // every record with a critique failed
	}
	o.Group = e.pictures(numbers).Of
	l, cosines, err := CompareCritiques(ctx, o.Encoder, references, critiques, o.Options)
	if err != nil {
		return err
	}
	e.Similarity = l
	for i := range of {
		of[i].Cosine = &cosines[i]
	}
	return nil
}

// writeLines writes one line of JSON a record, for a writer that keeps them in memory.
func writeLines(to io.Writer, lines []Prediction) {
	if to == nil {
		return
	}
	out := json.NewEncoder(to)
	for _, j := range lines {
		_ = out.Encode(j) // numbers are finite and memory does not fail
	}
}
