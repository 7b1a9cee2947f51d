package serve

import (
	"context"
	"slices"
	"strings"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace/attribution"
)

// watch follows a run of the model and sends results as soon as they are known.
type watch struct {
	run    *run
	ctx    context.Context
	send   func(Event) error
	layers []string // taps that tell how far the run is
	passed int
	// hold keeps the score back, in held, until it is recorded.
	hold bool
	held []Event

	maps   []*attribution.Map
	tokens []token
	text   strings.Builder
}

// see takes a tap: each says how far the run is.
func (w *watch) see(t loupe.Tap) error {
	if strings.HasPrefix(t.Name, stepsPrefix) || !slices.Contains(w.layers, t.Name) {
		return nil
	}
	w.passed++
	return w.send(Event{Name: "progress", Progress: &progress{At: t.Name, Done: w.passed, Of: len(w.layers)}})
}

// scored sends the score and, for a linear head, the contributions to it. rows are the head's input.
func (w *watch) scored(s *loupe.Score, rows []loupe.Tap) error {
	m := w.run.model
	if err := w.decided(Event{Name: "score", Score: w.run.score(s)}); err != nil {
		return err
	}
	w.maps = []*attribution.Map{}
	if len(m.Head.Config.Hidden) > 0 {
		return nil
	}
	for _, t := range s.Targets {
		of, err := attribution.Divide(m, w.run.prompt, s, rows, loupe.GradTarget{Score: true, Name: t.Name})
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
