package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// NewExample makes a training example from a conversation in, the answer to learn ("": none) and the values of the head's
// targets, in the head's order. A value counts only if present says so.
//
// The answer is followed by the end of its turn, as the chat template writes it. The loss is over the tokens of the answer
// and that end.
func NewExample(ctx context.Context, m *loupe.Model, in loupe.Input, answer string, targets []float64, present []bool) (loupe.Example, error) {
	var l loupe.Example
	prompt, err := m.Prepare(ctx, in)
	if err != nil {
		return l, err
	}
	l.Prompt = prompt
	if answer != "" {
		if l.Prompt, err = m.Learner().Answered(prompt, answer+endOfTurn); err != nil {
			return l, err
		}
		begin, end := len(prompt.IDs), len(l.Prompt.IDs)-1 // the newline after the end of the turn is not learned
		l.Labels = make([]int, len(l.Prompt.IDs))
		for i, id := range l.Prompt.IDs {
			l.Labels[i] = tensor.IgnoreIndex
			if i >= begin && i < end {
				l.Labels[i] = id
			}
		}
	}
	if m.Head == nil || len(in.Images)+len(in.Videos) == 0 && !slices.Contains(present, true) {
		return l, nil // a conversation of text alone has no score
	}
	if len(targets) != len(m.Head.Config.Targets) || len(present) != len(targets) {
		return l, fmt.Errorf("%d values for the %d targets of the score head", len(targets), len(m.Head.Config.Targets))
	}
	l.Targets, l.Present = standardized(m.Head, targets), present
	return l, nil
}

// standardized are the outputs of the head that stand for these values: (value-mean)/std of each target.
func standardized(h *vit.Head, values []float64) (out []float32) {
	for i, t := range h.Config.Targets {
		out = append(out, float32((values[i]-t.Mean)/t.Std))
	}
	return out
}

// endOfTurn ends an answer in Qwen2-VL's chat template.
const endOfTurn = "<|im_end|>\n"
