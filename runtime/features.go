package loupe

import (
	"context"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// pooled is what the score head makes of a prompt before its first layer: one row of features, (width). The decoder runs only
// if the head reads from it.
func (m *Model) pooled(ctx context.Context, p *Prompt) ([]float32, error) {
	if err := m.needHead(); err != nil {
		return nil, err
	}
	var out []float32
	hooks := newHooks([]string{"score_head.pooled"}, func(t Tap) { out = t.Data }, nil)
	if !m.Head.Config.Input.FromTower() {
		a, err := m.answer(ctx, p, Generation{}, hooks, false)
		if err != nil {
			return nil, err
		}
		a.Close()
		return out, nil
	}
	f, err := m.encode(ctx, p, hooks, m.headReads())
	if err != nil {
		return nil, err
	}
	_, err = m.scoreOf(ctx, f.head, hooks)
	return out, err
}

// through maps rows of pooled features through the first n layers of the score head; see vit.Head.
func (m *Model) through(ctx context.Context, pooled [][]float32, n int) (out [][]float32, err error) {
	r, done := m.run(ctx, nil)
	defer done()
	defer weights.RecoverFault(&err)
	for _, row := range pooled {
		y := m.Head.Through(r, r.Upload(tensor.Of(1, len(row), row)), n)
		out = append(out, r.Download(y).Floats())
	}
	return out, m.still(m.explain(r.Synchronize()))
}

// learnHead is Learn for the score head alone, over features that it pooled before: nothing else is run.
func (m *Model) learnHead(ctx context.Context, pooled []float32, l Example, o LearnOptions) (out Losses, err error) {
	r, done := m.run(ctx, nil)
	defer done()
	defer weights.RecoverFault(&err)
	r.Record(&tensor.Tape{})
	z := m.Head.Through(r, r.Upload(tensor.Of(1, len(pooled), pooled)), len(m.Head.Layers))
	out = Losses{Score: scoreLoss(r, z, l, o), Outputs: r.Download(z).Floats()}
	r.Backward()
	return out, m.still(m.explain(r.Synchronize()))
}
