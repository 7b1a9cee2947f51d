package loupe

import (
	"context"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Score is what the score head says of a prompt's pictures.
type Score struct {
	Score   float64  // the value of the target named score, or without one of the first, clamped to its range
	Targets []Target // in the order of score_head.json
}

// Named is the value of the target named score, clamped to its range; nil where the head has none: another target's value is no
// score.
func (s *Score) Named() *float64 {
	for i := range s.Targets {
		if s.Targets[i].Name == weights.ScoreName {
			return &s.Targets[i].Clamped
		}
	}
	return nil
}

// Target is one output of the score head.
type Target struct {
	Name    string
	Output  float32 // standardized, as the head computes it
	Value   float64 // Output*std + mean
	Clamped float64 // Value within min..max
}

// Score reads the pictures of p with the vision tower and the score head. The decoder runs only if the head reads from it.
func (m *Model) Score(ctx context.Context, p *Prompt) (*Score, error) {
	return m.scoreWith(ctx, p, nil)
}

func (m *Model) scoreWith(ctx context.Context, p *Prompt, watch *hooks) (*Score, error) {
	if err := m.needHead(); err != nil {
		return nil, err
	}
	if p.Images == nil && p.Videos == nil {
		return nil, fmt.Errorf("there is no picture to score; give --image or --video")
	}
	if !strings.HasPrefix(m.Head.Config.Input, "visual.") {
		a, err := m.answer(ctx, p, Generation{}, watch, false)
		if err != nil {
			return nil, err
		}
		return a.Score, nil
	}
	hooks := m.withHead(watch)
	if _, err := m.encode(ctx, p, hooks); err != nil {
		return nil, err
	}
	return m.scoreCaptured(ctx, hooks)
}

func (m *Model) needHead() error {
	if m.Head == nil {
		return fmt.Errorf("model %s has no score head: put score_head.json and score_head.safetensors beside it, or name their directory with --head", m.Name())
	}
	return nil
}

// withHead is p, or new hooks, that also capture what the score head reads.
func (m *Model) withHead(p *hooks) *hooks {
	if m.Head == nil {
		return p
	}
	if p == nil {
		p = &hooks{}
	}
	p.capture = m.Head.Config.Input
	return p
}

// scoreCaptured runs the score head over what p captured, nil if that is nothing, and ends the capture.
func (m *Model) scoreCaptured(ctx context.Context, p *hooks) (s *Score, err error) {
	if m.Head == nil {
		return nil, nil
	}
	p.capture = ""
	if len(p.captured) == 0 && !(p.dry() && p.passed) {
		return nil, nil
	}
	r, done := m.run(ctx, p)
	defer done()
	defer weights.RecoverFault(&err)
	out := m.Head.Forward(r, p.rows(m.Head.Layers[0].W.Cols))
	if err := r.Err(); err != nil {
		return nil, m.explain(err)
	}
	s = &Score{}
	for i, t := range m.Head.Config.Targets {
		v, clamped := m.Head.Value(i, out.Row(0)[i])
		s.Targets = append(s.Targets, Target{Name: t.Name, Output: out.Row(0)[i], Value: v, Clamped: clamped})
	}
	i, err := m.HeadTarget("")
	s.Score = s.Targets[i].Clamped
	return s, err
}

// rows is everything that was captured, one below the other; in a dry run it is one row.
func (p *hooks) rows(width int) tensor.Tensor {
	var data []float32
	for _, t := range p.captured {
		data = append(data, t.Data...)
	}
	if p.dry() {
		data = make([]float32, width)
	}
	return tensor.Of(len(data)/width, width, data)
}
