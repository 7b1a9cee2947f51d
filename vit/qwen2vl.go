package vit

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Qwen2VL is the tower of Qwen2-VL: layer norms, quick GELU, and attention within each frame in every block.
var Qwen2VL = Family{
	Block: func(p *weights.Params, path string, cfg weights.VisionConfig) Block {
		return loadQwen2VLBlock(p, path, cfg)
	},
	Merger: func(p *weights.Params, path string, cfg weights.VisionConfig) Merger {
		return loadQwen2VLMerger(p, path, cfg)
	},
	Segments: func(_ weights.VisionConfig, grids, earlier []Grid) func(block int) Segments {
		whole := frames(grids, earlier)
		return func(int) Segments { return whole }
	},
}

// normEps is the epsilon of the tower's layer norms, which the reference does not read from the configuration.
const normEps = 1e-6

// Qwen2VLBlock is Qwen2VLVisionBlock: attention and a two-layer perceptron, each behind a layer norm and added to the residual
// stream.
type Qwen2VLBlock struct {
	Attention
	Norm1, Norm2 *tensor.Norm
	FC1, FC2     *tensor.Linear
}

func loadQwen2VLBlock(p *weights.Params, path string, cfg weights.VisionConfig) *Qwen2VLBlock {
	d, wide := cfg.EmbedDim, cfg.MLPDim()
	b := &Qwen2VLBlock{Norm1: p.LayerNorm(path+".norm1", d, normEps), Norm2: p.LayerNorm(path+".norm2", d, normEps)}
	b.Attention = LoadAttention(p, path, cfg)
	b.FC1 = p.LinearOf(path+".mlp.fc1", true, wide, d)
	b.FC2 = p.LinearOf(path+".mlp.fc2", true, d, wide)
	return b
}

// Forward implements Block.
func (b *Qwen2VLBlock) Forward(r *tensor.Run, x tensor.Tensor, rot tensor.Rotary, within Segments) tensor.Tensor {
	h := r.Tap(b.at("norm1"), r.LayerNorm(x, b.Norm1))
	x = r.Add(x, b.Attend(r, h, rot, within))

	h = r.Tap(b.at("norm2"), r.LayerNorm(x, b.Norm2))
	h = r.Tap(b.at("mlp.fc1"), r.Linear(h, b.FC1))
	h = r.Tap(b.at("mlp.act"), r.QuickGELU(h))
	x = r.Add(x, r.Tap(b.at("mlp.out"), r.Linear(h, b.FC2)))
	r.Finite(b.at("out"), x)
	return r.Tap(b.at("out"), x)
}

// Linears implements Module.
func (b *Qwen2VLBlock) Linears() []*tensor.Linear {
	return []*tensor.Linear{b.QKV, b.Proj, b.FC1, b.FC2}
}

// Norms implements Module.
func (b *Qwen2VLBlock) Norms() []*tensor.Norm { return []*tensor.Norm{b.Norm1, b.Norm2} }

// Qwen2VLMerger is PatchMerger: a layer norm of each patch, and a two-layer perceptron of each block of patches.
type Qwen2VLMerger struct {
	LNQ        *tensor.Norm
	MLP0, MLP2 *tensor.Linear
}

func loadQwen2VLMerger(p *weights.Params, path string, cfg weights.VisionConfig) *Qwen2VLMerger {
	wide := cfg.EmbedDim * cfg.SpatialMergeSize * cfg.SpatialMergeSize
	return &Qwen2VLMerger{
		LNQ:  p.LayerNorm(path+".ln_q", cfg.EmbedDim, normEps),
		MLP0: p.LinearOf(path+".mlp.0", true, wide, wide),
		MLP2: p.LinearOf(path+".mlp.2", true, cfg.OutHiddenSize, wide),
	}
}

// Forward implements Merger.
func (m *Qwen2VLMerger) Forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	h := r.Tap(tensor.At("visual.merger", "ln_q"), r.LayerNorm(x, m.LNQ))
	wide := m.MLP0.W.Cols
	h = r.Linear(h.Reshape(h.Rows*h.Cols/wide, wide), m.MLP0)
	h = r.Linear(r.GELU(h), m.MLP2)
	out := tensor.At("visual.merger", "")
	r.Finite(out, h)
	return r.Tap(out, h)
}

// Linears implements Module.
func (m *Qwen2VLMerger) Linears() []*tensor.Linear { return []*tensor.Linear{m.MLP0, m.MLP2} }

// Norms implements Module.
func (m *Qwen2VLMerger) Norms() []*tensor.Norm { return []*tensor.Norm{m.LNQ} }
