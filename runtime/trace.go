package loupe

import (
	"context"
	"fmt"
)

// TraceOptions are what to look at, and what to change.
type TraceOptions struct {
	Taps          []string // names of tap points, in which * matches any characters
	Interventions []Intervention
	Grad          *GradTarget // shows the gradient of this at the taps too, as "d/NAME"; nil: none
	Steps         int         // generated tokens to run after the prompt; their taps are named "steps.1/..." and so on
	Generation    Generation
}

// Traced is what a trace gives beside its taps.
type Traced struct {
	Tokens []Token // the generated tokens; the last step's token was chosen, and not read
	Score  *Score
	Digest string // Answer.LogitsDigest
}

// Trace reads the prompt, and runs Steps tokens on, with taps and interventions. see is called with each tap as it
// happens, in the order of the computation; the data are its to keep. Looking changes nothing: without interventions the
// logits are those of Answer, bit for bit.
func (m *Model) Trace(ctx context.Context, p *Prompt, o TraceOptions, see func(Tap) error) (*Traced, error) {
	for _, iv := range o.Interventions {
		if err := iv.validate(); err != nil {
			return nil, err
		}
	}
	if err := m.checkPatterns(ctx, p, o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	probe := newProbe(o.Taps, func(t Tap) {
		if err := see(t); err != nil {
			cancel(err)
		}
	}, o.Interventions)
	a, err := m.answer(ctx, p, o.Generation, probe, probe.touches("lm_head"))
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	out := &Traced{Score: a.Score}
	a.g.MaxTokens = o.Steps + 1
	probe.prefix = "steps.1/"
	for t, err := range a.Tokens() {
		if err != nil {
			return nil, causeOf(ctx, err)
		}
		out.Tokens = append(out.Tokens, t)
		probe.prefix = fmt.Sprintf("steps.%d/", len(out.Tokens))
	}
	out.Digest = a.LogitsDigest()
	if o.Grad != nil {
		probe.prefix = ""
		if err := m.gradients(ctx, p, *o.Grad, probe); err != nil {
			return nil, causeOf(ctx, err)
		}
	}
	return out, causeOf(ctx, nil)
}

// causeOf is the error of see, if that is why the run was cancelled; else err.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// TapShape is a tap point of a model for some input.
type TapShape struct {
	Name  string
	Shape []int // (rows, columns) or (heads, queries, keys)
}

// Taps lists the tap points that a prompt passes, in the order of the computation, without computing anything.
func (m *Model) Taps(ctx context.Context, p *Prompt) ([]TapShape, error) {
	probe := &probe{}
	return m.dryRun(ctx, p, probe)
}

func (m *Model) dryRun(ctx context.Context, p *Prompt, probe *probe) ([]TapShape, error) {
	var out []TapShape
	probe.list = func(name string, shape []int) { out = append(out, TapShape{name, shape}) }
	_, err := m.answer(ctx, p, Generation{}, probe, true)
	return out, err
}

// checkPatterns is an error if a tap or intervention matches no point: found before the work, not after it.
func (m *Model) checkPatterns(ctx context.Context, p *Prompt, o TraceOptions) error {
	probe := newProbe(o.Taps, nil, o.Interventions)
	if _, err := m.dryRun(ctx, p, probe); err != nil {
		return err
	}
	if o.Steps > 0 {
		for _, t := range probe.taps {
			t.hit = t.hit || match("steps.*", t.glob)
		}
	}
	return probe.unmatched()
}

// touches reports whether a tap or intervention matches the point of this name.
func (p *probe) touches(name string) bool {
	hit := false
	for _, t := range append(append([]*pattern(nil), p.taps...), p.edits...) {
		hit = hit || match(t.glob, name)
	}
	return hit
}
