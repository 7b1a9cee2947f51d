package audit

import (
	"context"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// keptMap is an attribution as it is kept: the record's line of it, and its file's bytes.
type keptMap struct {
	line Explained
	data []byte
}

// explain computes an attribution with its documented defaults, of the score if the model has a head. Its file is the map
// in canonical JSON, whose numbers read back to the same bits.
func explain(ctx context.Context, m *loupe.Model, in loupe.Input, p *loupe.Prompt, method string) (keptMap, error) {
	var o attribution.Options
	if attribution.Method(method) == attribution.Relative {
		generic, err := m.Prepare(ctx, attribution.WithQuestion(in, attribution.GenericQuestion))
		if err != nil {
			return keptMap{}, fmt.Errorf("explain the decision by %s: %w", method, err)
		}
		o.Generic = generic
	}
	a, err := attribution.Compute(ctx, m, p, attribution.Method(method), o)
	if err != nil {
		return keptMap{}, fmt.Errorf("explain the decision by %s: %w", method, err)
	}
	data, err := canonical(a)
	if err != nil {
		return keptMap{}, fmt.Errorf("explain the decision by %s: %w", method, err)
	}
	line := Explained{Method: method, Target: a.Target, Kept: digestOf(data)}
	if a.Sum != nil {
		total := Double(a.Sum.Total)
		line.Total = &total
	}
	return keptMap{line, data}, nil
}
