package bench

import (
	"context"
	"time"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train"
	"github.com/loupe-vl/loupe/weights"
)

// What a training step is measured on: a picture, a question before and an answer of Options.Answer tokens after it, and branches of that rank beside
// every linear map of both towers' blocks.
const (
	questionTokens = 32 // of which the picture's begin and end are two
	rank           = 16
)

// example is the picture with its question, its answer and a score.
func example(m *loupe.Model, o Options) (loupe.Example, error) {
	patches, err := m.Processor.Image(o.Image)
	if err != nil {
		return loupe.Example{}, err
	}
	v, merge := vision(patches.GridTHW, patches.Data), m.Config.Vision.SpatialMergeSize
	rows := v.Pixels.Rows / (merge * merge)
	p := &loupe.Prompt{Images: v}
	before := questionTokens / 2
	for i := range questionTokens + rows + o.Answer {
		if i >= before && i < before+rows {
			v.At = append(v.At, i)
		}
		p.IDs = append(p.IDs, i*7919%m.Config.Text.VocabSize)
	}
	spans := []decoder.Placeholder{{Start: before, Grid: patches.GridTHW}}
	if p.Positions, p.RopeDelta, err = decoder.RopeIndex(len(p.IDs), spans, merge); err != nil {
		return loupe.Example{}, err
	}
	l := loupe.Example{Prompt: p, Labels: make([]int, len(p.IDs)), Targets: []float32{0}, Present: []bool{true}}
	for i, id := range p.IDs {
		if l.Labels[i] = tensor.IgnoreIndex; i >= len(p.IDs)-o.Answer {
			l.Labels[i] = id
		}
	}
	return l, nil
}

// lora measures LoRA training steps: forward, backward and AdamW, with the joint loss. Afterwards the model has branches,
// and a new score head of one target if it had none.
func lora(ctx context.Context, m *loupe.Model, o Options) (measured, error) {
	if m.Head == nil || len(m.Head.Config.Targets) != 1 {
		if err := m.Learner().NewHead(weights.ScoreHeadConfig{Version: 1, Input: weights.MergerInput, Pool: weights.PoolMean, Targets: []weights.ScoreTarget{{Name: "score", Mean: 50, Std: 20, Min: 1, Max: 100}}}); err != nil {
			return measured{}, err
		}
	}
	l, err := example(m, o)
	if err != nil {
		return measured{}, err
	}
	params, err := train.LoRA(m, train.LoRAOptions{Rank: rank, Seed: 1})
	if err != nil {
		return measured{}, err
	}
	head, err := train.Head(m, nil)
	if err != nil {
		return measured{}, err
	}
	params = append(params, head...)
	opt, err := train.NewAdamW(params, 0.01)
	if err != nil {
		return measured{}, err
	}
	t, err := best(o.Each, func() (time.Duration, error) {
		start := time.Now()
		train.ZeroGrad(params)
		if _, err := m.Learner().Learn(ctx, l, loupe.LearnOptions{Weight: 1, Lambda: 1, Recompute: true, Seed: 1}); err != nil {
			return 0, err
		}
		norm, err := train.Norm(params)
		if err != nil {
			return 0, err
		}
		opt.Step(params, func(*train.Param) float64 { return 1e-4 }, train.Clip(norm, 1))
		return time.Since(start), nil
	})
	return measured{time: t, cost: Learning(m.Config, m.Stored().WeightBytes("visual."), m.Stored().WeightBytes("model."), l.Prompt.Images.Grids, len(l.Prompt.IDs), o.Answer)}, err
}
