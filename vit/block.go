package vit

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Module is a part of the tower with weights of its own, in the order of the computation.
type Module interface {
	Linears() []*tensor.Linear // its linear maps: what adapters and training find
	Norms() []*tensor.Norm     // its norms
}

// Block is one block of the tower. It adds to the residual stream.
type Block interface {
	Module
	// Forward maps the residual stream x, (patches, width), to the same shape. rot rotates queries and keys by the place of
	// their patch, and attention stays within the segments.
	Forward(r *tensor.Run, x tensor.Tensor, rot tensor.Rotary, within Segments) tensor.Tensor
}

// Merger makes one row of the decoder's width of each merge x merge patches, which lie one after the other.
type Merger interface {
	Module
	// Forward maps (patches, width) to (patches/merge², out_hidden_size).
	Forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor
}

// Attention is the self-attention of a block, which the towers of the families share: one map to queries, keys and values, a
// rotation of the first two, and one map back.
type Attention struct {
	Path      string // of the block: "visual.blocks.7"
	Heads     int
	QKV, Proj *tensor.Linear
}

// LoadAttention reads path.attn.qkv and path.attn.proj, both with a bias.
func LoadAttention(p *weights.Params, path string, cfg weights.VisionConfig) Attention {
	d := cfg.EmbedDim
	return Attention{
		Path:  path,
		Heads: cfg.NumHeads,
		QKV:   p.LinearOf(path+".attn.qkv", true, 3*d, d),
		Proj:  p.LinearOf(path+".attn.proj", true, d, d),
	}
}

// Attend maps the normed stream h, (patches, width), to what attention adds to the stream, of the same shape.
func (a *Attention) Attend(r *tensor.Run, h tensor.Tensor, rot tensor.Rotary, within Segments) tensor.Tensor {
	d := h.Cols
	qkv := r.Tap(a.at("attn.qkv"), r.Linear(h, a.QKV))
	q := r.TapHeads(a.at("attn.q"), r.Rotate(qkv.Columns(0, d), rot), a.Heads)
	k := r.TapHeads(a.at("attn.k"), r.Rotate(qkv.Columns(d, 2*d), rot), a.Heads)
	v := r.TapHeads(a.at("attn.v"), qkv.Columns(2*d, 3*d), a.Heads)
	heads := within.attend(r, a.at("attn"), q, k, v, a.Heads)
	return r.Tap(a.at("attn.out"), r.Linear(heads, a.Proj))
}

func (a *Attention) at(name string) tensor.Point { return tensor.At(a.Path, name) }
