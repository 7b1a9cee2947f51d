package vit

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Merger is PatchMerger: each block of merge x merge patches, which lie one after the other, becomes one row of the
// decoder's width.
type Merger struct {
	LNQ  *tensor.Norm
	MLP0 *tensor.Linear
	MLP2 *tensor.Linear
}

func loadMerger(p *weights.Params, path string, cfg weights.VisionConfig) *Merger {
	wide := cfg.EmbedDim * cfg.SpatialMergeSize * cfg.SpatialMergeSize
	return &Merger{
		LNQ:  p.LayerNorm(path+".ln_q", cfg.EmbedDim, normEps),
		MLP0: p.LinearOf(path+".mlp.0", true, wide, wide),
		MLP2: p.LinearOf(path+".mlp.2", true, cfg.HiddenSize, wide),
	}
}

// Forward maps (patches, embed_dim) to (patches/merge², hidden_size).
func (m *Merger) Forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	h := r.Tap(tensor.At("visual.merger", "ln_q"), r.LayerNorm(x, m.LNQ))
	wide := m.MLP0.W.Cols
	h = r.Linear(h.Reshape(h.Rows*h.Cols/wide, wide), m.MLP0)
	h = r.Linear(r.GELU(h), m.MLP2)
	out := tensor.At("visual.merger", "")
	r.Finite(out, h)
	return r.Tap(out, h)
}
