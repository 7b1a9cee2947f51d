package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
)

// edit is an intervention, and the direction that its value names, if any.
type edit struct {
	loupe.Intervention
	direction direction
}

// direction is a vector in the space of a tap: the mean over some rows in one run minus the mean in another (a steering
// vector).
type direction struct {
	Name   string  `json:"name"`
	Tap    string  `json:"tap"`
	From   runID   `json:"from"` // runs
	To     runID   `json:"to"`
	Rows   string  `json:"rows"`
	Norm   float64 `json:"norm"` // its Euclidean length
	vector []float32
}

// mostDirections is how many directions are kept; the oldest goes first.
const mostDirections = 64

// readEdits reads interventions as their file has them, except that a value is the name of a direction.
func (s *Studio) readEdits(data json.RawMessage) ([]edit, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	var out []edit
	var used []direction
	list, err := trace.ParseInterventions(data, func(name string) ([]float32, int, error) {
		d, err := s.direction(name)
		used = append(used, d)
		return d.vector, len(d.vector), err
	})
	if err != nil {
		return nil, fmt.Errorf("the edits: %w", err)
	}
	for _, iv := range list {
		if iv.Dataset != "" {
			return nil, fmt.Errorf("the page has no folder to take the mean of pictures over: take the mean of the rows, or give this edit to loupe trace")
		}
		e := edit{Intervention: iv}
		if iv.Value != nil {
			e.direction, used = used[0], used[1:]
		}
		out = append(out, e)
	}
	return out, nil
}

func interventions(edits []edit) []loupe.Intervention {
	var out []loupe.Intervention
	for _, e := range edits {
		out = append(out, e.Intervention)
	}
	return out
}

func (s *Studio) direction(name string) (direction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.directions {
		if d.Name == name {
			return d, nil
		}
	}
	return direction{}, fmt.Errorf("there is no direction %q any more; make it again", name)
}

// makeDirection computes d's vector and keeps it under a new name.
func (s *Studio) makeDirection(ctx context.Context, d direction) (direction, error) {
	back, err := s.take(ctx)
	if err != nil {
		return d, err
	}
	defer back()
	from, err := s.meanRow(ctx, d.From, d)
	if err != nil {
		return d, err
	}
	to, err := s.meanRow(ctx, d.To, d)
	if err != nil {
		return d, err
	}
	if len(from) != len(to) {
		return d, fmt.Errorf("tap %s has %d columns in run %s and %d in run %s; take runs of one model", d.Tap, len(from), d.From, len(to), d.To)
	}
	d.vector = make([]float32, len(to))
	for i := range to {
		d.vector[i] = float32(to[i] - from[i])
	}
	d.Norm = norm(d.vector)
	if d.Norm == 0 {
		return d, fmt.Errorf("the rows have the same mean in run %s and in run %s: there is no direction from one to the other", d.From, d.To)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named++
	d.Name = "direction" + strconv.Itoa(s.named)
	s.directions = append(s.directions, d)
	if len(s.directions) > mostDirections {
		s.directions = s.directions[1:]
	}
	return d, nil
}

// meanRow is the mean of some rows of d's tap in a run.
func (s *Studio) meanRow(ctx context.Context, id runID, d direction) ([]float64, error) {
	r := s.runs.get(id)
	if r == nil || !r.finished() {
		return nil, s.errGone(id)
	}
	if strings.Contains(d.Tap, "*") {
		return nil, fmt.Errorf("tap %q names more than one; a direction belongs to one", d.Tap)
	}
	var seen *loupe.Tap
	_, err := r.model.Trace(ctx, r.prompt, loupe.TraceOptions{Taps: []string{d.Tap}, Interventions: interventions(r.edits)}, func(t loupe.Tap) error {
		seen = &t
		return errEnough
	})
	if err = enough(err); err != nil {
		return nil, err
	}
	if len(seen.Shape) != 2 {
		return nil, fmt.Errorf("tap %s is of heads, queries and keys; a direction needs a tap of rows, such as model.layers.0.out", d.Tap)
	}
	rows, err := r.pick(d.Rows, seen.Shape[0])
	if err != nil {
		return nil, err
	}
	mean := make([]float64, seen.Shape[1])
	for _, i := range rows {
		for c, v := range seen.Data[i*len(mean):][:len(mean)] {
			mean[c] += float64(v) / float64(len(rows))
		}
	}
	return mean, nil
}

// pick is the rows that a name means, in a tensor of n rows. If rows are not tokens of the prompt, only all and last are
// known.
func (r *run) pick(name string, n int) ([]int, error) {
	at := r.prompt.Images.At
	tokens := n == len(r.prompt.IDs)
	var out []int
	for i := range n {
		picture := tokens && i >= at[0] && i < at[0]+len(at)
		switch name {
		case "all":
		case "last":
			if i < n-1 {
				continue
			}
		case "picture", "text":
			if !tokens {
				return nil, fmt.Errorf("rows %q goes with a tap of the decoder's prompt; this one has %d rows", name, n)
			}
			if picture != (name == "picture") {
				continue
			}
		default:
			return nil, fmt.Errorf("rows %q is unknown; all, picture, text and last are known", name)
		}
		out = append(out, i)
	}
	return out, nil
}
