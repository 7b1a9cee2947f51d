package loupe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights/option"
)

// TraceOptions are what to look at, and what to change. [Taps] begins one.
type TraceOptions struct {
	Taps          []string // names of tap points, in which * matches any characters
	Interventions []Intervention
	Grad          *GradTarget // shows the gradient of this at the taps too, as "d/NAME"; nil: none
	Steps         int         // generated tokens to run after the prompt; their taps are named "steps.1/..." and so on
	Generation    Generation
	// Parts, where it is set, is called in place of Trace's see, with a piece of a tap at a time: the data are lent for the
	// call, and the memory of the run does not grow with what is looked at. The pieces of a tap come in order; those of an
	// attention's scores and probabilities take turns.
	Parts func(Part) error
	// Token, where it is set, is called with each generated token as it is chosen. An error of its own ends the trace.
	Token func(Token) error
	// Scored, where it is set, is called once with the score and the rows that the score head read for it, as soon as they are
	// known: before the decoder begins where the vision tower decides it and nothing is changed. An error of its own ends the
	// trace.
	Scored func(s *Score, rows []Tap) error
	// Digests, where they are set, take what the blocks put out, as BlockDigests.Answer does.
	Digests *BlockDigests
}

// Taps are options that look at the points of these names, in which * matches any characters:
//
//	traced, err := m.Trace(ctx, prompt, loupe.Taps("model.layers.*.out"))
func Taps(globs ...string) TraceOptions { return TraceOptions{Taps: globs} }

// With is o with more interventions, made after those that it has.
func (o TraceOptions) With(more ...Intervention) TraceOptions {
	o.Interventions = append(slices.Clip(o.Interventions), more...)
	return o
}

// Traced is what a trace gives.
type Traced struct {
	Taps   []Tap   // in the order of the computation, where nobody took them as they came
	Tokens []Token // the generated tokens; the last step's token was chosen, and not read
	Score  *Score
	Digest string // Answer.LogitsDigest
	// NoGradient are the taps of which o.Grad's target is no function: they have no "d/NAME".
	NoGradient []string
}

// Tap is the tap of that name, as in "model.layers.0.out", "steps.1/lm_head" or "d/pixel_values"; false if there is none.
func (t *Traced) Tap(name string) (Tap, bool) {
	for _, tap := range t.Taps {
		if tap.Name == name {
			return tap, true
		}
	}
	return Tap{}, false
}

// Trace reads the prompt, and runs Steps tokens on, with taps and interventions. see is called with each tap as it
// happens, in the order of the computation; the data are its to keep, and an error of its own ends the trace. Without see,
// and without o.Parts, the result holds the taps. Looking changes nothing: without interventions the logits are those of
// Answer, bit for bit.
func (m *Model) Trace(ctx context.Context, p *Prompt, o TraceOptions, see ...func(Tap) error) (*Traced, error) {
	matched, err := m.checkTrace(ctx, p, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &Traced{}
	hooks := newHooks(o.Taps, func(t Tap) {
		if len(see) == 0 {
			out.Taps = append(out.Taps, t)
		}
		for _, f := range see {
			if err := f(t); err != nil {
				cancel(err)
			}
		}
	}, o.Interventions)
	hooks.steps, hooks.digests, hooks.scored = o.Steps, o.Digests, o.Scored
	if o.Parts != nil {
		hooks.part = func(p Part) {
			if err := o.Parts(p); err != nil {
				cancel(err)
			}
		}
	}
	a, err := m.answer(ctx, p, o.Generation, hooks, hooks.touches("lm_head"))
	if err != nil {
		return nil, causeOf(ctx, o.blamed(err))
	}
	defer a.Close()
	out.Score = a.Score
	a.g.MaxTokens = o.Steps + 1
	for t, err := range a.Tokens() {
		if err != nil {
			return nil, causeOf(ctx, o.blamed(err))
		}
		out.Tokens = append(out.Tokens, t)
		if o.Token != nil {
			if err := o.Token(t); err != nil {
				return nil, err
			}
		}
		hooks.prefix = stepPrefix(len(out.Tokens))
	}
	out.Digest = a.LogitsDigest()
	if err := reached(matched, len(out.Tokens)); err != nil {
		return nil, err
	}
	if o.Grad != nil {
		hooks.prefix = ""
		if err := m.gradients(ctx, p, *o.Grad, hooks); err != nil {
			return nil, causeOf(ctx, err)
		}
		if out.NoGradient = hooks.withoutGradient(); len(out.NoGradient) > 0 && len(hooks.graded) == 0 {
			return nil, &option.Error{Field: "TraceOptions.Grad", Fault: fmt.Sprintf("TraceOptions.Grad depends on none of the taps, the first of which is %s", out.NoGradient[0]), Want: "name taps on its way, such as pixel_values"}
		}
	}
	return out, causeOf(ctx, nil)
}

// blamed is err, and where numbers ran over in a run with interventions that these may be why.
func (o TraceOptions) blamed(err error) error {
	var bad *tensor.NonFiniteError
	if len(o.Interventions) == 0 || !errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("%s is %v at row %d, column %d, with the changes that are made: try smaller factors or values, or look whether it is so without them", bad.Point, bad.Value, bad.Row, bad.Column)
}

// stepPrefix begins the names of the taps of the nth generated token, from 1.
func stepPrefix(n int) string { return fmt.Sprintf("steps.%d/", n) }

// checkTrace refuses what cannot be traced, before the work and not after it.
func (m *Model) checkTrace(ctx context.Context, p *Prompt, o TraceOptions) ([]Matched, error) {
	if o.Steps < 0 {
		return nil, fmt.Errorf("trace: %d steps; give 0 or a number above it", o.Steps)
	}
	for _, iv := range o.Interventions {
		if err := iv.validate(); err != nil {
			return nil, err
		}
	}
	if o.Grad != nil {
		if err := m.checkGrad(*o.Grad, p); err != nil {
			return nil, err
		}
	}
	return m.listTrace(ctx, p, o, nil)
}

// causeOf is the error of see, if that is why the run was canceled; else err.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// touches reports whether a tap or intervention matches the point of this name.
func (p *hooks) touches(name string) bool {
	hit := false
	for _, t := range append(append([]*pattern(nil), p.taps...), p.edits...) {
		hit = hit || t.has(name)
	}
	return hit
}
