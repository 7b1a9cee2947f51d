package attribution

import (
	"context"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// rollout is attention rollout (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", arXiv 2005.00928): with A
// the mean over heads of a layer's attention, the row of the query in the product of (A + I)/2 over all layers, last to
// first. Only that row is computed, not the product. Within the tower it starts from equal weights of all patches of a
// frame, as in a mean over the merged tokens.
func rollout(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	if o.Tower {
		return rolloutTower(ctx, m, p)
	}
	at, err := o.query(p)
	if err != nil {
		return nil, err
	}
	layers := upTo(m.Config.Text.NumHiddenLayers)
	got, err := collect(ctx, m, p, nil, attentionNames(p, layers, nil)...)
	if err != nil {
		return nil, err
	}
	r := only(at, len(p.IDs))
	for _, l := range slices.Backward(layers) {
		r = halfway(r, got.decoderLayer(m, l).propagate(r, nil, nil))
	}
	pictures, elsewhere := atPictures(p, r)
	merge := m.Config.Vision.SpatialMergeSize
	out := newMap(p, merge, merge, pictures)
	out.Unit, out.Elsewhere = "share of attention flow", elsewhere
	return out, nil
}

func rolloutTower(ctx context.Context, m *loupe.Model, p *loupe.Prompt) (*Map, error) {
	blocks := upTo(m.Config.Vision.Depth)
	got, err := collect(ctx, m, p, nil, attentionNames(p, nil, blocks)...)
	if err != nil {
		return nil, err
	}
	start, err := Options{}.patchWeights(p)
	if err != nil {
		return nil, err
	}
	var values [][]float64
	for n, run := range passes(p) {
		r := start[n]
		for _, b := range slices.Backward(blocks) {
			r = run.overSegments(m, got, b, r, func(a *attention, r []float64) []float64 {
				return halfway(r, a.propagate(r, nil, nil))
			})
		}
		values = append(values, r)
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, values)
	out.Unit = "share of attention flow"
	return out, nil
}

// halfway is (a + b)/2.
func halfway(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = (a[i] + b[i]) / 2
	}
	return out
}
