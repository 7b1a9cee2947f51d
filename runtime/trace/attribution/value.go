package attribution

import (
	"context"
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels/num"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// Resolve makes a target definite. nil becomes the score if the model has a head, else the logit of the likeliest next
// token. A likeliest token is looked up once, so that every run explains the same number. A score gets the name of its
// target, unless that is "score".
func Resolve(ctx context.Context, m *loupe.Model, p *loupe.Prompt, t *loupe.GradTarget) (loupe.GradTarget, error) {
	if t == nil {
		t = &loupe.GradTarget{Score: m.Head != nil, Token: -1}
	}
	out := *t
	if out.Score {
		i, err := m.HeadTarget(out.Name)
		if err != nil {
			return out, err
		}
		if out.Name = m.Targets()[i]; out.Name == "score" {
			out.Name = "" // as it is told
		}
		return out, nil
	}
	for _, id := range append([]int{out.Token}, tokenOf(out.Minus)...) {
		if vocab := m.Config.Text.VocabSize; id >= vocab {
			return out, fmt.Errorf("token %d: the vocabulary has %d", id, vocab)
		}
	}
	if _, err := targetRow(p, out); err != nil || out.Token >= 0 {
		return out, err
	}
	logits, err := logitsAt(ctx, m, p, out)
	if err != nil {
		return out, err
	}
	out.Token = num.ArgMax(logits)
	return out, nil
}

// tokenOf is a list with the token; empty for nil.
func tokenOf(id *int) []int {
	if id == nil {
		return nil
	}
	return []int{*id}
}

// targetRow is the position of the prompt after which the target's token comes.
func targetRow(p *loupe.Prompt, t loupe.GradTarget) (int, error) {
	n := len(p.IDs)
	if t.At == nil {
		return n - 1, nil
	}
	if *t.At >= n || *t.At < -n {
		return 0, fmt.Errorf("position %d: the prompt has %d tokens", *t.At, n)
	}
	return (*t.At + n) % n, nil
}

// targetName is the target as ParseGradTarget reads it.
func targetName(t loupe.GradTarget) string {
	name := "logit"
	switch {
	case t.Score && t.Name == "":
		return "score"
	case t.Score:
		return "score:" + t.Name
	case t.Minus != nil:
		name = fmt.Sprintf("diff:%d,%d", t.Token, *t.Minus)
	case t.LogProb:
		name = fmt.Sprintf("logprob:%d", t.Token)
	default:
		name = fmt.Sprintf("logit:%d", t.Token)
	}
	if t.At != nil {
		name += fmt.Sprintf("@%d", *t.At)
	}
	return name
}

// targetUnit is what a value of the target is.
func targetUnit(t loupe.GradTarget) string {
	switch {
	case t.Score && t.Name == "":
		return "points of the score"
	case t.Score:
		return "points of " + t.Name
	case t.Minus != nil:
		return fmt.Sprintf("logit of token %d less that of %d", t.Token, *t.Minus)
	case t.LogProb:
		return fmt.Sprintf("log-probability of token %d", t.Token)
	}
	return fmt.Sprintf("logit of token %d", t.Token)
}

// Value computes a definite target: a score as the head gives it, not clamped, or a logit, log-probability or difference of
// logits. If the head reads the vision tower the decoder does not run.
func Value(ctx context.Context, m *loupe.Model, p *loupe.Prompt, t loupe.GradTarget) (float64, error) {
	if t.Score {
		s, err := m.Score(ctx, p)
		if err != nil {
			return 0, err
		}
		i, err := m.HeadTarget(t.Name)
		if err != nil {
			return 0, err
		}
		return s.Targets[i].Value, nil
	}
	logits, err := logitsAt(ctx, m, p, t)
	if err != nil {
		return 0, err
	}
	v := float64(logits[t.Token])
	switch {
	case t.Minus != nil:
		v -= float64(logits[*t.Minus])
	case t.LogProb:
		v -= logSumExp(logits)
	}
	return v, nil
}

// logSumExp is log Σ e^x.
func logSumExp(x []float32) float64 {
	most, sum := math.Inf(-1), 0.0
	for _, v := range x {
		most = max(most, float64(v))
	}
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return most + math.Log(sum)
}

// logitsAt are the logits of the token after the target's position, (vocab_size).
func logitsAt(ctx context.Context, m *loupe.Model, p *loupe.Prompt, t loupe.GradTarget) ([]float32, error) {
	row, err := targetRow(p, t)
	if err != nil {
		return nil, err
	}
	got, err := collect(ctx, m, p, nil, "model.norm")
	if err != nil {
		return nil, err
	}
	r := m.NewRun(ctx, nil)
	logits := m.Decoder.Logits(r, r.Upload(asTensor(got["model.norm"]).Slice(row, row+1)))
	return r.Download(logits).Floats(), r.Synchronize()
}

// readsTower reports whether the score head reads rows of the vision tower.
func readsTower(m *loupe.Model) bool { return m.Head.Config.Input.FromTower() }

// lastBlock is the last block of the vision tower that a target depends on.
func lastBlock(m *loupe.Model, t loupe.GradTarget) int {
	if t.Score && m.Head != nil {
		if n, ok := m.Head.Config.Input.Block(); ok {
			return n
		}
	}
	return m.Config.Vision.Depth - 1
}
