package vit

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Block is Qwen2VLVisionBlock: attention within each frame and a two-layer perceptron, each behind a layer norm and
// added to the residual stream.
type Block struct {
	Path         string // "visual.blocks.7"
	Heads        int
	Norm1, Norm2 *tensor.Norm
	QKV, Proj    *tensor.Linear
	FC1, FC2     *tensor.Linear
}

func loadBlock(p *weights.Params, path string, cfg weights.VisionConfig) *Block {
	d, wide := cfg.EmbedDim, cfg.MLPDim()
	return &Block{
		Path:  path,
		Heads: cfg.NumHeads,
		Norm1: p.LayerNorm(path+".norm1", d, normEps),
		Norm2: p.LayerNorm(path+".norm2", d, normEps),
		QKV:   p.LinearOf(path+".attn.qkv", true, 3*d, d),
		Proj:  p.LinearOf(path+".attn.proj", true, d, d),
		FC1:   p.LinearOf(path+".mlp.fc1", true, wide, d),
		FC2:   p.LinearOf(path+".mlp.fc2", true, d, wide),
	}
}

// Forward maps the residual stream x, (patches, embed_dim), to the same shape.
func (b *Block) Forward(r *tensor.Run, x tensor.Tensor, rot tensor.Rotary, spans []tensor.Span) tensor.Tensor {
	d := x.Cols
	h := r.Tap(b.at("norm1"), r.LayerNorm(x, b.Norm1))
	qkv := r.Tap(b.at("attn.qkv"), r.Linear(h, b.QKV))
	q := r.TapHeads(b.at("attn.q"), r.Rotate(qkv.Columns(0, d), rot), b.Heads)
	k := r.TapHeads(b.at("attn.k"), r.Rotate(qkv.Columns(d, 2*d), rot), b.Heads)
	v := r.TapHeads(b.at("attn.v"), qkv.Columns(2*d, 3*d), b.Heads)
	heads := r.Within(b.at("attn"), q, b.Heads, tensor.Keys(k, v, b.Heads), spans)
	x = r.Add(x, r.Tap(b.at("attn.out"), r.Linear(heads, b.Proj)))

	h = r.Tap(b.at("norm2"), r.LayerNorm(x, b.Norm2))
	h = r.Tap(b.at("mlp.fc1"), r.Linear(h, b.FC1))
	h = r.Tap(b.at("mlp.act"), r.QuickGELU(h))
	x = r.Add(x, r.Tap(b.at("mlp.out"), r.Linear(h, b.FC2)))
	r.Finite(b.at("out"), x)
	return r.Tap(b.at("out"), x)
}

func (b *Block) at(name string) tensor.Point { return tensor.At(b.Path, name) }
