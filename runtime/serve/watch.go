package serve

import (
	"context"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// watch follows a run of the model and sends what it learns as soon as it can be known.
type watch struct {
	run    *run
	ctx    context.Context
	send   func(Event) error
	layers []string // taps that tell how far the run is
	passed int
	// hold keeps back what the score head says, in held, until it is recorded.
	hold bool
	held []Event

	rows   []loupe.Tap // what a linear score head reads
	maps   []*attribution.Map
	tokens []token
	text   strings.Builder
}

// points are the taps that the score is made of; none without a score head.
func (w *watch) points() []string {
	if w.run.model.Head == nil {
		return nil
	}
	return []string{w.run.model.Head.Config.Input, "score_head"}
}

// see takes a tap.
func (w *watch) see(t loupe.Tap) error {
	if strings.HasPrefix(t.Name, stepsPrefix) {
		return nil
	}
	if slices.Contains(w.layers, t.Name) {
		w.passed++
		if err := w.send(Event{Name: "progress", Progress: &progress{At: t.Name, Done: w.passed, Of: len(w.layers)}}); err != nil {
			return err
		}
	}
	h := w.run.model.Head
	switch {
	case h == nil:
	case t.Name == h.Config.Input:
		w.rows = append(w.rows, t)
		if strings.HasPrefix(t.Name, "visual.") && w.run.edits == nil {
			return w.early(t)
		}
	case t.Name == "score_head" && w.maps == nil:
		return w.scored(t.Data)
	}
	return nil
}

// early computes the score from what the vision tower gave, before the decoder begins: it is the one that the run will have.
func (w *watch) early(input loupe.Tap) error {
	m := w.run.model
	r := tensor.NewRun(w.ctx, m.Engine(), new(tensor.Arena), nil)
	out := m.Head.Forward(r, tensor.Of(input.Shape[0], input.Shape[1], input.Data))
	if err := r.Err(); err != nil {
		return err
	}
	return w.scored(out.Row(0))
}

// scored sends the score, and what each part of the picture contributes to it where it is a sum.
func (w *watch) scored(outputs []float32) error {
	m := w.run.model
	s := &loupe.Score{}
	for i, t := range m.Head.Config.Targets {
		value, clamped := m.Head.Value(i, outputs[i])
		s.Targets = append(s.Targets, loupe.Target{Name: t.Name, Output: outputs[i], Value: value, Clamped: clamped})
	}
	of, err := m.HeadTarget("")
	if err != nil {
		return err
	}
	s.Score = s.Targets[of].Clamped
	if err := w.decided(Event{Name: "score", Score: w.run.score(s)}); err != nil {
		return err
	}
	w.maps = []*attribution.Map{}
	if len(m.Head.Config.Hidden) > 0 {
		return nil
	}
	for _, t := range s.Targets {
		of, err := attribution.Divide(m, w.run.prompt, s, w.rows, loupe.GradTarget{Score: true, Name: t.Name})
		if err != nil {
			return err
		}
		w.maps = append(w.maps, of)
	}
	return w.decided(Event{Name: "contributions", Maps: w.maps})
}

// decided sends what is a part of the decision.
func (w *watch) decided(e Event) error {
	if w.hold {
		w.held = append(w.held, e)
		return nil
	}
	return w.send(e)
}

// token takes a token of the answer.
func (w *watch) token(t loupe.Token) error {
	out := w.run.token(len(w.run.prompt.IDs)+len(w.tokens), t.ID)
	out.LogProb = &t.LogProb
	w.tokens = append(w.tokens, out)
	w.text.WriteString(t.Text)
	return w.send(Event{Name: "token", Token: &out})
}
