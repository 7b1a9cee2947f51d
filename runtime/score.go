package loupe

import (
	"context"
	"fmt"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// errNoPicture refuses a score of nothing.
var errNoPicture = &option.Error{Field: "Files.Images", Fault: "there is no picture to score", Want: "give Files.Images or Files.Videos"}

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
	s, _, err := m.scoreWith(ctx, p, nil)
	return s, err
}

// ScoreRows is Score with the rows that the score head read for it: a tap for each pass of the vision tower where it reads there,
// else for each chunk of the prompt.
func (m *Model) ScoreRows(ctx context.Context, p *Prompt) (*Score, []Tap, error) {
	s, rows, err := m.scoreWith(ctx, p, nil)
	if err != nil {
		return nil, nil, err
	}
	return s, m.headTaps(rows), nil
}

func (m *Model) scoreWith(ctx context.Context, p *Prompt, watch *hooks) (*Score, []tensor.Tensor, error) {
	if err := m.needHead(); err != nil {
		return nil, nil, err
	}
	if p.Images == nil && p.Videos == nil {
		return nil, nil, errNoPicture
	}
	if !m.Head.Config.Input.FromTower() {
		a, err := m.answer(ctx, p, Generation{}, watch, false)
		if err != nil {
			return nil, nil, err
		}
		defer a.Close()
		return a.Score, a.s.f.head, nil
	}
	f, err := m.encode(ctx, p, watch, m.headReads())
	if err != nil {
		return nil, nil, err
	}
	s, err := m.scoreOf(ctx, f.head, watch)
	return s, f.head, err
}

func (m *Model) needHead() error {
	if m.Head == nil {
		return fmt.Errorf("model %s has no score head: put score_head.json and score_head.safetensors beside it, or name their directory in Options.Head", m.Name())
	}
	return nil
}

// scoreOf runs the score head over what it reads, one part below the other; nil without a head, and where there is nothing to
// read. Nothing writes to rows.
func (m *Model) scoreOf(ctx context.Context, rows []tensor.Tensor, p *hooks) (s *Score, err error) {
	if m.Head == nil || len(rows) == 0 {
		return nil, nil
	}
	r, done := m.run(ctx, p)
	defer done()
	defer weights.RecoverFault(&err)
	var parts []tensor.Tensor
	for _, part := range rows {
		parts = append(parts, r.Upload(part))
	}
	x := r.Concat(parts...)
	if p.edited() {
		x = r.Copy(x) // an intervention may change what is pooled in place
	}
	out := r.Download(m.Head.Forward(r, x))
	if err := r.Synchronize(); err != nil {
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

// headTaps are the rows that the score head read, as taps.
func (m *Model) headTaps(rows []tensor.Tensor) []Tap {
	var out []Tap
	for _, x := range rows {
		out = append(out, Tap{Name: m.Head.Config.Input.Tap(), Shape: []int{x.Rows, x.Cols}, Data: x.Floats()})
	}
	return out
}

// tellsScore reports whether somebody is told of the score as soon as it is known.
func (p *hooks) tellsScore() bool { return p != nil && p.scored != nil && !p.dry() }

// tellEarly tells of a score that the vision tower decides before the decoder begins: it is the one that the run will have. It
// reports whether it was told.
func (m *Model) tellEarly(ctx context.Context, rows []tensor.Tensor, p *hooks) (bool, error) {
	if !p.tellsScore() || p.edited() || len(rows) == 0 {
		return false, nil
	}
	s, err := m.scoreOf(ctx, rows, nil)
	if err == nil {
		err = p.scored(s, m.headTaps(rows))
	}
	return true, err
}
