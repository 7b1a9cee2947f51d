package audit

import (
	"context"
	"fmt"
	"math"
	"strings"
)

// Review appends a person's judgment of decision n: a score of a target ("": the first) unless score is nil, and why. It
// returns the number of its own entry.
func (b *Book) Review(ctx context.Context, n int64, target string, score *float64, by, why string) (int64, error) {
	if strings.TrimSpace(by) == "" || strings.TrimSpace(why) == "" {
		return 0, fmt.Errorf("review entry %d: say who reviews it, and why", n)
	}
	if score != nil && (math.IsNaN(*score) || math.IsInf(*score, 0)) {
		return 0, fmt.Errorf("review entry %d: the score %v is no number", n, *score)
	}
	a, err := Open(b.Dir)
	if err != nil {
		return 0, err
	}
	r, err := a.Record(n)
	if err != nil {
		return 0, fmt.Errorf("review: %w", err)
	}
	if r.Decision == nil {
		return 0, fmt.Errorf("review: entry %d is no decision", n)
	}
	if target != "" && r.Decision.scored(target) == nil {
		return 0, fmt.Errorf("review entry %d: it has no target %q", n, target)
	}
	v := &Review{Entry: n, Record: digestOf(r.Entry), Target: target, By: by, Why: why}
	if score != nil {
		d := Double(*score)
		v.Score = &d
	}
	return b.add(ctx, event{kind: ReviewPredicate, predicate: v, subject: []Subject{recordSubject(n, r.Entry)}})
}

// scored is the target of that name, the first for "", nil where there is none.
func (d *Decision) scored(target string) *Scored {
	for i, s := range d.Scores {
		if target == "" || s.Name == target {
			return &d.Scores[i]
		}
	}
	return nil
}

// recordSubject is an entry as the subject of a statement.
func recordSubject(n int64, entry []byte) Subject {
	return Subject{fmt.Sprintf("entry %d", n), map[string]string{"sha256": string(digestOf(entry))}}
}
