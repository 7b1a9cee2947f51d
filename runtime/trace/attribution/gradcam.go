package attribution

import (
	"context"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// gradCAM is Grad-CAM (Selvaraju and others, arXiv 1610.02391) on a block of the vision tower. The feature map is the
// residual stream after the block, with a column for each channel. The weight of a channel is the mean of the target's
// gradient over a picture's patches, and the map is the positive part of the weighted sum of channels. By default the block
// is the last one that the target depends on.
func gradCAM(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	last := lastBlock(m, *o.Target)
	block := last
	if o.Layers != nil {
		blocks, err := chosen(o.Layers, m.Config.Vision.Depth, "layer")
		if err != nil {
			return nil, err
		}
		if len(blocks) > 1 {
			return nil, fmt.Errorf("%d layers are named; it looks at one block of the vision tower", len(blocks))
		}
		if block = blocks[0]; block > last {
			return nil, fmt.Errorf("block %d: the score is read after block %d, so that it does not depend on the blocks behind; name one up to %d", block, last, last)
		}
	}
	name := fmt.Sprintf("visual.blocks.%d.out", block)
	var names []string
	for _, run := range passes(p) {
		names = append(names, name+run.suffix)
	}
	got, err := collect(ctx, m, p, o.Target, names...)
	if err != nil {
		return nil, err
	}
	var values [][]float64
	for n, run := range passes(p) {
		x, grad := asTensor(got[names[n]]), asTensor(got["d/"+names[n]])
		var of []float64
		at := 0
		for _, g := range run.Grids {
			end := at + g[0]*g[1]*g[2]
			of = append(of, cam(x.Slice(at, end).Floats(), grad.Slice(at, end).Floats(), x.Cols)...)
			at = end
		}
		values = append(values, of)
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, values)
	out.Unit = "weighed activation"
	return out, nil
}

// cam is the positive part of Σ_c a_c x_c for each row of x, with a_c the mean over rows of column c of grad.
func cam(x, grad []float32, cols int) []float64 {
	rows := len(x) / cols
	a := make([]float64, cols)
	for i := range rows {
		for c := range a {
			a[c] += float64(grad[i*cols+c])
		}
	}
	out := make([]float64, rows)
	for i := range out {
		for c := range a {
			out[i] += float64(a[c] / float64(rows) * float64(x[i*cols+c]))
		}
	}
	return positive(out)
}
