package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// Judged is what a model says of one record's picture, beside what the record says.
type Judged struct {
	Image     string             `json:"image"`
	Score     *float64           `json:"score,omitempty"` // the record's
	Predicted float64            `json:"predicted"`       // clamped to the target's range
	Targets   map[string]float64 `json:"targets,omitempty"`
	Outputs   map[string]float64 `json:"predicted_targets"` // by name, as the head gives them
}

// Evaluation is a report over the scores, and one over each of the other targets that the records hold.
type Evaluation struct {
	metrics.Report
	Targets map[string]metrics.Report `json:"targets,omitempty"`
	Pairs   metrics.Pairs             `json:"-"` // the scores that the report is of
}

// Judge scores every record's picture. see is called with each, in order.
func Judge(ctx context.Context, m *loupe.Model, records []Record, see func(Judged) error) error {
	for i := range records {
		r := &records[i]
		l, err := r.Lesson(m)
		if err != nil {
			return err
		}
		s, err := m.Score(ctx, l.Prompt)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Where, err)
		}
		j := Judged{Image: r.Image, Score: r.Score, Predicted: s.Score, Targets: r.Targets, Outputs: map[string]float64{}}
		for _, t := range s.Targets {
			j.Outputs[t.Name] = t.Clamped
		}
		if err := see(j); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate compares what a model says of the records with what they say. Each picture's line is written to lines, if that is
// not nil.
func Evaluate(ctx context.Context, m *loupe.Model, records []Record, o metrics.Options, lines io.Writer) (*Evaluation, error) {
	if m.Head == nil {
		return nil, errors.New("the model has no score head: give --head, or --adapter with one")
	}
	pairs := map[string]*metrics.Pairs{}
	add := func(target string, truth, predicted float64) {
		if pairs[target] == nil {
			pairs[target] = &metrics.Pairs{}
		}
		pairs[target].Truth = append(pairs[target].Truth, truth)
		pairs[target].Predicted = append(pairs[target].Predicted, predicted)
	}
	out := json.NewEncoder(io.Discard)
	if lines != nil {
		out = json.NewEncoder(lines)
	}
	err := Judge(ctx, m, records, func(j Judged) error {
		if j.Score != nil {
			add(scoreName, *j.Score, j.Predicted)
		}
		for name, truth := range j.Targets {
			if predicted, ok := j.Outputs[name]; ok {
				add(name, truth, predicted)
			}
		}
		return out.Encode(j)
	})
	if err != nil {
		return nil, err
	}
	if pairs[scoreName] == nil {
		return nil, errors.New("no record has a score to compare with")
	}
	e := &Evaluation{}
	for target, p := range pairs {
		report, err := metrics.Evaluate(*p, o)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", target, err)
		}
		if target == scoreName {
			e.Report, e.Pairs = report, *p
			continue
		}
		if e.Targets == nil {
			e.Targets = map[string]metrics.Report{}
		}
		e.Targets[target] = report
	}
	return e, nil
}
