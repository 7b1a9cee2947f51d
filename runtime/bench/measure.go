package bench

import (
	"context"
	"time"

	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

const (
	warmTokens  = 16 // of a prompt that only reads the weights once, and of the one before decoding
	decodeSteps = 8  // at a time: a second or two with a model of 2B
	mostTimes   = 10
)

// best repeats run until the time is up, at least twice, and returns the shortest time. run returns the time of what is
// measured.
func best(each time.Duration, run func() (time.Duration, error)) (time.Duration, error) {
	shortest := time.Duration(0)
	start := time.Now()
	for i := range mostTimes {
		begun := time.Now()
		t, err := run()
		if err != nil {
			return 0, err
		}
		if i == 0 || t < shortest {
			shortest = t
		}
		if last := time.Since(begun); i > 0 && time.Since(start)+last > each {
			break
		}
	}
	return shortest, nil
}

// read reads a prompt of n tokens, different ones, and says how long it took.
func read(ctx context.Context, m *loupe.Model, n int) (*loupe.Answer, time.Duration, error) {
	return readAs(ctx, m, n, loupe.Generation{})
}

// readAs is read of a prompt that is to be answered so.
func readAs(ctx context.Context, m *loupe.Model, n int, g loupe.Generation) (*loupe.Answer, time.Duration, error) {
	p := &loupe.Prompt{}
	for i := range n {
		p.IDs = append(p.IDs, i*7919%m.Config.Text.VocabSize)
	}
	var err error
	if p.Positions, p.RopeDelta, err = decoder.RopeIndex(n, nil, m.Config.Vision.SpatialMergeSize); err != nil {
		return nil, 0, err
	}
	start := time.Now()
	a, err := m.Answer(ctx, p, g)
	return a, time.Since(start), err
}

// prefill reads a prompt of text.
func prefill(ctx context.Context, m *loupe.Model, o Options) (measured, error) {
	once := func(tokens int) (time.Duration, error) {
		a, t, err := read(ctx, m, tokens)
		if err == nil {
			a.Close()
		}
		return t, err
	}
	if _, err := once(min(o.Tokens, warmTokens)); err != nil {
		return measured{}, err
	}
	t, err := best(o.Each, func() (time.Duration, error) { return once(o.Tokens) })
	return measured{time: t, tokens: o.Tokens, cost: Text(m.Config.Text, m.Stored().WeightBytes("model."), 0, o.Tokens)}, err
}

// decode generates after a short prompt, some tokens at a time. Which tokens makes no difference to the time, so they are
// not chosen.
func decode(ctx context.Context, m *loupe.Model, o Options) (measured, error) {
	r := measured{tokens: decodeSteps}
	var a *loupe.Answer
	past := 0
	_, err := best(o.Each, func() (time.Duration, error) {
		if a == nil || past+decodeSteps > m.Config.Text.MaxPositionEmbeddings {
			if a != nil {
				a.Close()
			}
			var err error
			if a, _, err = read(ctx, m, warmTokens); err != nil {
				return 0, err
			}
			past = warmTokens
		}
		var cost Cost
		start := time.Now()
		for range decodeSteps {
			if _, err := a.ForceToken(past * 104729 % m.Config.Text.VocabSize); err != nil {
				return 0, err
			}
			cost = cost.plus(Text(m.Config.Text, m.Stored().WeightBytes("model."), past, 1))
			past++
		}
		t := time.Since(start)
		if r.time == 0 || t < r.time {
			r.time, r.cost = t, cost
		}
		return t, nil
	})
	return r, err
}

// vision is one picture that is cut into patches, as a prompt has it.
func vision(grid vit.Grid, pixels []float32) *loupe.Vision {
	n := vit.Patches([]vit.Grid{grid})
	return &loupe.Vision{Pixels: tensor.Of(n, len(pixels)/n, pixels), Grids: []vit.Grid{grid}}
}

// encode runs the vision tower over a picture that is cut into patches already.
func encode(ctx context.Context, m *loupe.Model, o Options) (measured, error) {
	p, err := m.Processor.Image(o.Image)
	if err != nil {
		return measured{}, err
	}
	once := func(grid vit.Grid, pixels []float32) (time.Duration, error) {
		v := vision(grid, pixels)
		start := time.Now()
		_, _, err := m.Encode(ctx, &loupe.Prompt{Images: v})
		return time.Since(start), err
	}
	merge := m.Config.Vision.SpatialMergeSize
	if _, err := once(vit.Grid{1, merge, merge}, make([]float32, merge*merge*m.Config.Vision.PatchDim())); err != nil {
		return measured{}, err
	}
	t, err := best(o.Each, func() (time.Duration, error) { return once(p.GridTHW, p.Data) })
	return measured{time: t, cost: Image(m.Config.Vision, m.Stored().WeightBytes("visual."), p.GridTHW)}, err
}
