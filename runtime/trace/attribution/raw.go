package attribution

import (
	"context"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// raw is attention itself: the query's probability of each merged token, as a mean over the chosen layers and heads. Within
// the tower it is the mean over the rows of the chosen patches.
//
// Attention sinks put weight on edges and corners whatever the question (arXiv 2503.03321). Relative attention removes
// them.
func raw(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	if o.Tower {
		return rawTower(ctx, m, p, o)
	}
	layers, rows, err := rawLayers(ctx, m, p, o)
	if err != nil {
		return nil, err
	}
	r := mean(rows, len(layers))
	pictures, elsewhere := atPictures(p, r)
	merge := m.Config.Vision.SpatialMergeSize
	out := newMap(p, merge, merge, pictures)
	out.Unit, out.Elsewhere = "share of attention", elsewhere
	return out, nil
}

// rawLayers is the query's attention in each chosen layer: the mean over the chosen heads, for each position.
func rawLayers(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (layers []int, rows [][]float64, err error) {
	if layers, err = chosen(o.Layers, m.Config.Text.NumHiddenLayers, "layer"); err != nil {
		return nil, nil, err
	}
	heads, err := chosen(o.Heads, m.Config.Text.NumAttentionHeads, "head")
	if err != nil {
		return nil, nil, err
	}
	at, err := o.query(p)
	if err != nil {
		return nil, nil, err
	}
	got, err := collect(ctx, m, p, nil, attentionNames(p, layers, nil)...)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range layers {
		rows = append(rows, got.decoderLayer(m, l).propagate(only(at, len(p.IDs)), heads, nil))
	}
	return layers, rows, nil
}

func rawTower(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	blocks, err := chosen(o.Layers, m.Config.Vision.Depth, "layer")
	if err != nil {
		return nil, err
	}
	heads, err := chosen(o.Heads, m.Config.Vision.NumHeads, "head")
	if err != nil {
		return nil, err
	}
	got, err := collect(ctx, m, p, nil, attentionNames(p, nil, blocks)...)
	if err != nil {
		return nil, err
	}
	start, err := o.patchWeights(p)
	if err != nil {
		return nil, err
	}
	var values [][]float64
	for n, run := range passes(p) {
		var rows [][]float64
		for _, b := range blocks {
			rows = append(rows, run.overSegments(m, got, b, start[n], func(a *attention, r []float64) []float64 {
				return a.propagate(r, heads, nil)
			}))
		}
		values = append(values, mean(rows, len(blocks)))
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, values)
	out.Unit = "share of attention"
	return out, nil
}

// patchWeights are the weights of the querying patches for each pass. They sum to 1 over all passes.
func (o Options) patchWeights(p *loupe.Prompt) ([][]float64, error) {
	all := 0
	for _, run := range passes(p) {
		all += run.Pixels.Rows
	}
	patches, err := chosen(o.Patches, all, "patch")
	if err != nil {
		return nil, err
	}
	flat := make([]float64, all)
	for _, i := range patches {
		flat[i] += 1 / float64(len(patches))
	}
	var out [][]float64
	for _, run := range passes(p) {
		out, flat = append(out, flat[:run.Pixels.Rows]), flat[run.Pixels.Rows:]
	}
	return out, nil
}

// mean is the mean of n rows.
func mean(rows [][]float64, n int) []float64 {
	out := make([]float64, len(rows[0]))
	for _, row := range rows {
		for i, v := range row {
			out[i] += v
		}
	}
	for i := range out {
		out[i] /= float64(n)
	}
	return out
}
