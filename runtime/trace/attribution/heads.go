package attribution

import (
	"context"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// HeadMap is the map of one head of one layer.
type HeadMap struct {
	*Map
	Layer, Head int // Head is -1 for the mean over all
	// Agree, of maps by [Received], is how far patches attend to the same patch: the share of a frame's patches whose
	// largest probability is at the most common patch, as a mean over frames. At 1 all patches of a picture attend most to
	// the same one. Chance alone gives a little more than 1 over the number of patches.
	Agree float64
}

// Heads is Raw for each chosen layer and head separately, layer by layer, from one run: of the decoder, or with o.Tower of
// the vision tower.
func Heads(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) ([]HeadMap, error) {
	if err := needPictures(p); err != nil {
		return nil, err
	}
	layers, heads := m.Config.Text.NumHiddenLayers, m.Config.Text.NumAttentionHeads
	if o.Tower {
		layers, heads = m.Config.Vision.Depth, m.Config.Vision.NumHeads
	}
	chosenL, err := chosen(o.Layers, layers, "layer")
	if err != nil {
		return nil, err
	}
	chosenH, err := chosen(o.Heads, heads, "head")
	if err != nil {
		return nil, err
	}
	if o.Tower {
		start, err := o.patchWeights(p)
		if err != nil {
			return nil, err
		}
		return towerHeads(ctx, m, p, chosenL, chosenH, start)
	}
	at, err := o.query(p)
	if err != nil {
		return nil, err
	}
	got, err := collect(ctx, m, p, nil, attentionNames(p, chosenL, nil)...)
	if err != nil {
		return nil, err
	}
	merge := m.Config.Vision.SpatialMergeSize
	var out []HeadMap
	for _, l := range chosenL {
		a := got.decoderLayer(m, l)
		for _, h := range chosenH {
			pictures, elsewhere := atPictures(p, a.propagate(only(at, len(p.IDs)), []int{h}, nil))
			of := newMap(p, merge, merge, pictures)
			of.Method, of.Unit, of.Elsewhere = Raw, "share of attention", elsewhere
			out = append(out, HeadMap{Map: of, Layer: l, Head: h})
		}
	}
	return out, nil
}

// Received is the attention that each patch receives, for each block of the vision tower: the mean over all querying
// patches and over heads, and with heads set each head after it. The values of all patches add up to 1.
func Received(ctx context.Context, m *loupe.Model, p *loupe.Prompt, heads bool) ([]HeadMap, error) {
	if err := needPictures(p); err != nil {
		return nil, err
	}
	list := []int{-1}
	if heads {
		list = append(list, upTo(m.Config.Vision.NumHeads)...)
	}
	start, err := Options{}.patchWeights(p)
	if err != nil {
		return nil, err
	}
	return towerHeads(ctx, m, p, upTo(m.Config.Vision.Depth), list, start)
}

// towerHeads propagates weights of patches, a list for each pass, through one head of one block at a time. Head -1 is the
// mean over all.
func towerHeads(ctx context.Context, m *loupe.Model, p *loupe.Prompt, blocks, heads []int, start [][]float64) ([]HeadMap, error) {
	got, err := collect(ctx, m, p, nil, attentionNames(p, nil, blocks)...)
	if err != nil {
		return nil, err
	}
	runs := passes(p)
	var out []HeadMap
	for _, b := range blocks {
		for _, h := range heads {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			list := []int{h}
			if h < 0 {
				list = nil
			}
			var values [][]float64
			agree, segments := 0.0, 0
			for n, run := range runs {
				values = append(values, run.overSegments(m, got, b, start[n], func(a *attention, r []float64) []float64 {
					agree, segments = agree+a.agreement(list), segments+1
					return a.propagate(r, list, nil)
				}))
			}
			of := newMap(p, m.Config.Vision.SpatialMergeSize, 1, values)
			of.Method, of.Unit = Raw, "share of attention"
			out = append(out, HeadMap{of, b, h, agree / float64(segments)})
		}
	}
	return out, nil
}
