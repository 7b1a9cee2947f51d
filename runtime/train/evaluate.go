package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/runtime/train/sbert"
)

// EvalOptions say what Evaluate does beside scoring; the zero value is ready for use.
type EvalOptions struct {
	metrics.Options
	Critique   bool             // write a critique of each picture, in the pass that scores it
	Generation loupe.Generation // of the critiques
	Encoder    *sbert.Encoder   // compares them with the records'; nil: they are not compared
	Lines      io.Writer        // gets one line of JSON a record; nil: nobody does
	Done       func(n int)      // is told after each record how many are done; nil: nobody is
}

// Judged is what a model says of one record's picture, beside what the record says.
type Judged struct {
	Image     string             `json:"image"`
	Score     *float64           `json:"score,omitempty"`     // the record's
	Predicted *float64           `json:"predicted,omitempty"` // clamped to the target's range
	Targets   map[string]float64 `json:"targets,omitempty"`
	Outputs   map[string]float64 `json:"predicted_targets,omitempty"` // by name, clamped too
	Critique  *string            `json:"critique,omitempty"`          // the model's
	Cosine    *float64           `json:"cosine,omitempty"`            // of it and the record's critique
	Error     string             `json:"error,omitempty"`             // why there is nothing else
}

// Evaluation is a report over the scores, one over each of the other targets that the records hold, and how near critiques
// come. What the records do not hold, or nobody asked for, is nil.
type Evaluation struct {
	*metrics.Report
	*Likeness
	Targets map[string]metrics.Report `json:"targets,omitempty"`
	Failed  int                       `json:"failed,omitempty"` // records that could not be judged and are in no number

	Pairs  metrics.Pairs `json:"-"` // the scores that the report is of
	of     int           // records in all
	failed []error
}

// Err tells of the records that could not be judged; nil where all were.
func (e *Evaluation) Err() error {
	if e.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d records could not be judged: %w", e.Failed, e.of, listed(e.failed))
}

// judge scores a record's picture and, where that is asked for, writes a critique of it.
func (r *Record) judge(ctx context.Context, m *loupe.Model, o EvalOptions) (Judged, error) {
	prompt, err := r.questionPrompt(ctx, m)
	if err != nil {
		return Judged{}, err
	}
	j := Judged{Image: r.Image, Score: r.Score, Targets: r.Targets}
	var s *loupe.Score
	if o.Critique || o.Encoder != nil {
		var text string
		if s, text, err = critique(ctx, m, prompt, o.Generation); err != nil {
			return Judged{}, err
		}
		j.Critique = &text
	} else if r.Image != "" { // a conversation of text alone has no score
		if s, err = m.Score(ctx, prompt); err != nil {
			return Judged{}, err
		}
	}
	if s != nil {
		j.Predicted, j.Outputs = &s.Score, map[string]float64{}
		for _, t := range s.Targets {
			j.Outputs[t.Name] = t.Clamped
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
	var text strings.Builder
	for t, err := range a.Tokens() {
		if err != nil {
			return nil, "", err
		}
		text.WriteString(t.Text)
	}
	return a.Score, text.String(), nil
}

// checkAsked refuses, before the first picture, what the records or the model cannot answer.
func checkAsked(m *loupe.Model, records []Record, o EvalOptions) error {
	scores, critiques := false, false
	for i := range records {
		scores = scores || records[i].Score != nil || len(records[i].Targets) > 0
		critiques = critiques || records[i].Critique != ""
	}
	switch {
	case o.Encoder != nil && !critiques:
		return errors.New("no record has a critique for --sbert to compare with")
	case m.Head == nil && (scores || o.Encoder == nil):
		return errors.New("the model has no score head: give --head, or --adapter with one")
	case !scores && o.Encoder == nil:
		return errors.New("no record has a score to compare with; critiques are compared with --sbert")
	}
	return nil
}

// Evaluate compares what a model says of the records with what they say. A record that cannot be judged, such as one of a
// picture that is damaged, is left out and told of by Err. The lines that are done are written even where the error is not nil.
func Evaluate(ctx context.Context, m *loupe.Model, records []Record, o EvalOptions) (*Evaluation, error) {
	if err := checkAsked(m, records, o); err != nil {
		return nil, err
	}
	e := &Evaluation{of: len(records)}
	lines := make([]Judged, 0, len(records))
	defer func() { writeLines(o.Lines, lines) }()
	for i := range records {
		r := &records[i]
		j, err := r.judge(ctx, m, o)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			e.Failed++
			e.failed = append(e.failed, recordError(r, err))
			j = Judged{Image: r.Image, Error: err.Error()}
		}
		lines = append(lines, j)
		if o.Done != nil {
			o.Done(i + 1)
		}
	}
	if e.Failed == len(records) {
		return nil, e.Err()
	}
	if err := e.reports(ctx, m, lines, o.Options); err != nil {
		return nil, err
	}
	if o.Encoder == nil {
		return e, nil
	}
	return e, e.likeness(ctx, records, lines, o)
}

// reports computes the statistics of each target, kappa's classes within the range that the head gives it where o has none.
func (e *Evaluation) reports(ctx context.Context, m *loupe.Model, lines []Judged, o metrics.Options) error {
	pairs := map[string]*metrics.Pairs{}
	add := func(target string, truth, predicted float64) {
		if pairs[target] == nil {
			pairs[target] = &metrics.Pairs{}
		}
		pairs[target].Truth = append(pairs[target].Truth, truth)
		pairs[target].Predicted = append(pairs[target].Predicted, predicted)
	}
	for _, j := range lines {
		if j.Score != nil && j.Predicted != nil {
			add(scoreName, *j.Score, *j.Predicted)
		}
		for name, truth := range j.Targets {
			if predicted, ok := j.Outputs[name]; ok {
				add(name, truth, predicted)
			}
		}
	}
	for _, target := range slices.Sorted(maps.Keys(pairs)) {
		p := pairs[target]
		report, err := metrics.Evaluate(ctx, *p, o)
		if err != nil {
			return fmt.Errorf("target %s: %w", target, err)
		}
		if target == scoreName {
			e.Report, e.Pairs = &report, *p
			continue
		}
		if e.Targets == nil {
			e.Targets = map[string]metrics.Report{}
		}
		e.Targets[target] = report
	}
	return nil
}

// likeness compares the critiques of those records that have one, and enters the cosines into their lines.
func (e *Evaluation) likeness(ctx context.Context, records []Record, lines []Judged, o EvalOptions) error {
	var references, critiques []string
	var of []*Judged
	for i := range lines {
		if j := &lines[i]; j.Critique != nil && records[i].Critique != "" {
			references, critiques, of = append(references, records[i].Critique), append(critiques, *j.Critique), append(of, j)
		}
	}
	if len(of) == 0 {
		return e.Err() // every record with a critique failed
	}
	l, cosines, err := CompareCritiques(ctx, o.Encoder, references, critiques, o.Options)
	if err != nil {
		return err
	}
	e.Likeness = l
	for i := range of {
		of[i].Cosine = &cosines[i]
	}
	return nil
}

// writeLines writes one line of JSON a record, for a writer that keeps them in memory.
func writeLines(to io.Writer, lines []Judged) {
	if to == nil {
		return
	}
	out := json.NewEncoder(to)
	for _, j := range lines {
		_ = out.Encode(j) // numbers are finite and memory does not fail
	}
}
