package attribution

import (
	"context"
	"fmt"
	"strings"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Resolve makes a target definite: nil is the score where the model has a head, else the likeliest next token's logit, and
// that token is looked up once, so that every run explains the same number.
func Resolve(ctx context.Context, m *loupe.Model, p *loupe.Prompt, t *loupe.GradTarget) (loupe.GradTarget, error) {
	switch {
	case t != nil && t.Score && m.Head == nil:
		return *t, fmt.Errorf("model %s has no score head; name one with --head, or explain a logit", m.Name())
	case t == nil && m.Head != nil, t != nil && t.Score:
		return loupe.GradTarget{Score: true}, nil
	case t != nil && t.Token >= m.Config.Text.VocabSize:
		return *t, fmt.Errorf("token %d: the vocabulary has %d", t.Token, m.Config.Text.VocabSize)
	case t != nil && t.Token >= 0:
		return *t, nil
	}
	row, err := lastLogits(ctx, m, p)
	if err != nil {
		return loupe.GradTarget{}, err
	}
	id, _ := decoder.NewSampler(decoder.Sampling{}, nil).Next(row)
	return loupe.GradTarget{Token: id}, nil
}

// targetName is the name as a flag has it.
func targetName(t loupe.GradTarget) string {
	if t.Score {
		return "score"
	}
	return fmt.Sprintf("logit:%d", t.Token)
}

// targetUnit is what a value of the target is.
func targetUnit(t loupe.GradTarget) string {
	if t.Score {
		return "points of the score"
	}
	return fmt.Sprintf("logit of token %d", t.Token)
}

// Value is the number that a definite target stands for: the score as the head computes it, not clamped, or a logit of the
// token after the prompt. A score that is read from the vision tower leaves the decoder out.
func Value(ctx context.Context, m *loupe.Model, p *loupe.Prompt, t loupe.GradTarget) (float64, error) {
	if t.Score {
		s, err := m.Score(ctx, p)
		if err != nil {
			return 0, err
		}
		return s.Targets[0].Value, nil
	}
	row, err := lastLogits(ctx, m, p)
	if err != nil {
		return 0, err
	}
	return float64(row[t.Token]), nil
}

// lastLogits are the logits of the token after the prompt, (vocab_size).
func lastLogits(ctx context.Context, m *loupe.Model, p *loupe.Prompt) ([]float32, error) {
	got, err := collect(ctx, m, p, nil, "model.norm")
	if err != nil {
		return nil, err
	}
	h := asTensor(got["model.norm"])
	r := tensor.NewRun(ctx, m.Engine(), new(tensor.Arena), nil)
	logits := m.Decoder.Logits(r, h.Slice(h.Rows-1, h.Rows))
	return logits.Data, r.Err()
}

// readsTower reports whether the score head reads rows of the vision tower.
func readsTower(m *loupe.Model) bool { return strings.HasPrefix(m.Head.Config.Input, "visual.") }
