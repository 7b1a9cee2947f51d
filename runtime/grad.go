package loupe

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
)

// GradTarget is a number of a run whose gradient is wanted at taps.
type GradTarget struct {
	Score bool // the score, in its own units; else a logit of the token after the prompt
	Token int  // whose logit; -1: the likeliest
}

// ParseGradTarget reads "score", "logit" or "logit:ID".
func ParseGradTarget(s string) (GradTarget, error) {
	switch id, isLogit := strings.CutPrefix(s, "logit:"); {
	case s == "score":
		return GradTarget{Score: true}, nil
	case s == "logit":
		return GradTarget{Token: -1}, nil
	case isLogit:
		if n, err := strconv.Atoi(id); err == nil && n >= 0 {
			return GradTarget{Token: n}, nil
		}
	}
	return GradTarget{}, fmt.Errorf("--grad %q: give score, logit or logit:ID with the id of a token", s)
}

// gradPrefix begins the name of a gradient.
const gradPrefix = "d/"

// gradProbe sees gradients where its probe would see values, and makes the same interventions.
type gradProbe struct{ *probe }

// Wants implements tensor.Probe: values were seen in the run before.
func (gradProbe) Wants(tensor.Point, []int) bool { return false }

// WantsGrad implements tensor.GradProbe.
func (p gradProbe) WantsGrad(at tensor.Point, _ []int) bool { return p.tapped(p.name(at), at) }

// SeeGrad implements tensor.GradProbe.
func (p gradProbe) SeeGrad(at tensor.Point, shape []int, data []float32) {
	p.see(Tap{Name: gradPrefix + p.name(at), Shape: shape, Data: data})
}

// gradients runs the prompt once more, with a tape, and shows the gradient of the target at every tap that it depends on:
// from the last to the first. A score that is read from the vision tower leaves the decoder out.
func (m *Model) gradients(ctx context.Context, p *Prompt, target GradTarget, probe *probe) error {
	if target.Score {
		if err := m.needHead(); err != nil {
			return err
		}
	} else if target.Token >= m.Config.Text.VocabSize {
		return fmt.Errorf("--grad logit:%d: the vocabulary has %d tokens", target.Token, m.Config.Text.VocabSize)
	}
	r, done := m.runWith(ctx, gradProbe{probe})
	defer done()
	r.Record(&tensor.Tape{All: true, Recompute: true})
	m.differentiate(r, p, target)
	r.Backward()
	return m.explain(r.Err())
}

// differentiate runs forward to the target and sets its gradient.
func (m *Model) differentiate(r *tensor.Run, p *Prompt, target GradTarget) {
	f := m.forwardTowers(r, p)
	var h tensor.Tensor
	if !target.Score || m.Head.Config.Input == "model.norm" {
		h = m.forwardDecoder(r, p, f)
	}
	if target.Score {
		z := m.Head.Forward(r, m.headInput(r, f, h))
		if r.Err() == nil {
			z.Grad[0] = float32(m.Head.Config.Targets[0].Std)
		}
		return
	}
	logits := m.Decoder.Logits(r, h)
	if r.Err() != nil {
		return
	}
	last := logits.Rows - 1
	if target.Token < 0 {
		target.Token, _ = decoder.NewSampler(decoder.Sampling{}, nil).Next(append([]float32(nil), logits.Row(last)...))
	}
	logits.GradRow(last)[target.Token] = 1
}
