package loupe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/option"
)

// GradTarget is a number of a run whose gradient is wanted at taps: a target of the score head, or a logit, a
// log-probability or a difference of two logits of what comes after a position of the prompt. [Model.GradTarget] reads one
// from text.
type GradTarget struct {
	Score bool   // a target of the score head, in its own units and before it is clamped; else of the tokens
	Name  string // of the head's target; "": see [Model.HeadTarget]
	Token int    // whose logit; -1: the likeliest
	// LogProb asks for the natural logarithm of the token's probability, log_softmax(logits)[Token], and not for its logit.
	LogProb bool
	Minus   *int // the token whose logit is taken away from that of Token; nil: none
	At      *int // the position of the prompt, negative from its end, after which the token comes; nil: the last
}

// gradPrefix begins the name of a gradient.
const gradPrefix = "d/"

// gradHooks see gradients where hooks would see values, and make the same interventions.
type gradHooks struct{ *hooks }

// Wants implements tensor.Hooks: values were seen in the run before.
func (gradHooks) Wants(tensor.Point, []int) bool { return false }

// WantsGrad implements tensor.GradHooks.
func (p gradHooks) WantsGrad(at tensor.Point, _ []int) bool { return p.tapped(p.name(at), at) }

// withoutGradient are the taps of the prompt whose gradient was not shown: the target does not depend on them.
func (p *hooks) withoutGradient() []string {
	return slices.DeleteFunc(slices.Compact(slices.Clone(p.shown)), func(name string) bool { return p.graded[name] })
}

// SeeGrad implements tensor.GradHooks.
func (p gradHooks) SeeGrad(at tensor.Point, shape []int, data []float32) {
	p.graded[p.name(at)] = true
	p.see(Tap{Name: gradPrefix + p.name(at), Shape: shape, Data: data})
}

// gradPartHooks are gradHooks that take gradients in parts.
type gradPartHooks struct{ gradHooks }

// SeeGradPart implements tensor.GradPartHooks.
func (p gradPartHooks) SeeGradPart(at tensor.Point, shape []int, first int, data []float32) {
	p.graded[p.name(at)] = true
	p.part(Part{gradPrefix + p.name(at), shape, first, data})
}

// gradients runs the prompt once more, with a tape, and shows the gradient of the target at every tap that it depends on:
// from the last to the first. A score that is read from the vision tower leaves the decoder out.
func (m *Model) gradients(ctx context.Context, p *Prompt, target GradTarget, hooks *hooks) (err error) {
	hooks.graded = map[string]bool{}
	var looking tensor.Hooks = gradHooks{hooks}
	if hooks.part != nil {
		looking = gradPartHooks{gradHooks{hooks}}
	}
	r, done := m.runWith(ctx, looking)
	defer done()
	defer weights.RecoverFault(&err)
	r.MoreRows = hooks.steps
	r.Record(&tensor.Tape{All: true, Recompute: true})
	m.differentiate(r, p, target, hooks.touches("lm_head"))
	r.Backward()
	return m.still(m.explain(r.Synchronize()))
}

// checkGrad refuses a target that the model or the prompt does not have.
func (m *Model) checkGrad(t GradTarget, p *Prompt) error {
	if t.Score {
		_, err := m.HeadTarget(t.Name)
		return err
	}
	tokens := []int{t.Token}
	if t.Minus != nil {
		tokens = append(tokens, *t.Minus)
	}
	for _, id := range tokens {
		if id >= m.Config.Text.VocabSize {
			return &option.Error{Field: "TraceOptions.Grad", Err: fmt.Errorf("there is no token %d, the vocabulary has %d", id, m.Config.Text.VocabSize)}
		}
	}
	if n := len(p.IDs); t.At != nil && (*t.At >= n || *t.At < -n) {
		return &option.Error{Field: "TraceOptions.Grad", Err: fmt.Errorf("there is no position %d, the prompt has %d tokens", *t.At, n)}
	}
	return nil
}

// HeadTarget is the number of a target of the score head by its name; "" is the one that stands for the score: that of the
// name "score", or where there is none the first. A name that the head does not have is an error.
func (m *Model) HeadTarget(name string) (int, error) {
	if err := m.needHead(); err != nil {
		return 0, err
	}
	names := m.Targets()
	if name == "" {
		return max(0, slices.Index(names, "score")), nil
	}
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("score:%s: the score head has no such target; it has %s", name, strings.Join(names, ", "))
}

// differentiate runs forward to the target and sets its gradient. Unless all is set only those logits are computed that the
// target depends on.
func (m *Model) differentiate(r *tensor.Run, p *Prompt, target GradTarget, all bool) {
	f := m.forwardTowers(r, p)
	var h tensor.Tensor
	if !target.Score || !m.Head.Config.Input.FromTower() {
		h = m.forwardDecoder(r, p, f)
	}
	if target.Score {
		z := m.Head.Forward(r, m.headInput(r, f, h))
		if r.Err() == nil {
			i, _ := m.HeadTarget(target.Name) // checkGrad found it
			r.ChangeGrad(z, func(dz tensor.Tensor) { dz.Row(0)[i] = float32(m.Head.Config.Targets[i].Std) })
		}
		return
	}
	at := h.Rows - 1
	if target.At != nil {
		at = (*target.At + h.Rows) % h.Rows
	}
	if !all {
		h, at = h.Slice(at, at+1), 0
	}
	logits := m.Decoder.Logits(r, h)
	if r.Err() != nil {
		return
	}
	row := logits.Slice(at, at+1)
	values := r.Download(row).Floats()
	r.ChangeGrad(row, func(g tensor.Tensor) { target.seed(values, g.Row(0)) })
}

// seed sets the gradient of the target with respect to the logits, (vocab_size).
func (t GradTarget) seed(logits, grad []float32) {
	if t.Token < 0 {
		t.Token, _ = decoder.NewSampler(decoder.Sampling{}, nil).Next(append([]float32(nil), logits...))
	}
	if t.LogProb { // d log_softmax(x)[i] / dx = onehot(i) - softmax(x)
		copy(grad, logits)
		tensor.Softmax(grad)
		for i := range grad {
			grad[i] = -grad[i]
		}
	}
	grad[t.Token]++
	if t.Minus != nil {
		grad[*t.Minus]--
	}
}
