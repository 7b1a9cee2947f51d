package decoder

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Layer is Qwen2VLDecoderLayer: causal grouped-query attention and a gated perceptron, each behind an RMS norm and added
// to the residual stream.
type Layer struct {
	Path           string // "model.layers.3"
	Index          int
	Device         int // its number: see tensor.Run.To
	Heads, KVHeads int
	InputNorm      *tensor.Norm
	Q, K, V, O     *tensor.Linear
	PostNorm       *tensor.Norm
	Gate, Up, Down *tensor.Linear
}

func loadLayer(p *weights.Params, path string, index int, cfg weights.TextConfig, family *Family) *Layer {
	d, wide := cfg.HiddenSize, cfg.IntermediateSize
	q, kv := cfg.NumAttentionHeads*cfg.HeadDim, cfg.NumKeyValueHeads*cfg.HeadDim // q is d only where heads divide d
	return &Layer{
		Path:      path,
		Index:     index,
		Device:    p.Devices().Layer(index),
		Heads:     cfg.NumAttentionHeads,
		KVHeads:   cfg.NumKeyValueHeads,
		InputNorm: p.RMSNorm(path+".input_layernorm", d, cfg.RMSNormEps),
		Q:         p.LinearOf(path+".self_attn.q_proj", family.QKVBias, q, d),
		K:         p.LinearOf(path+".self_attn.k_proj", family.QKVBias, kv, d),
		V:         p.LinearOf(path+".self_attn.v_proj", family.QKVBias, kv, d),
		O:         p.LinearOf(path+".self_attn.o_proj", family.OBias, d, q),
		PostNorm:  p.RMSNorm(path+".post_attention_layernorm", d, cfg.RMSNormEps),
		Gate:      p.LinearOf(path+".mlp.gate_proj", false, wide, d),
		Up:        p.LinearOf(path+".mlp.up_proj", false, wide, d),
		Down:      p.LinearOf(path+".mlp.down_proj", false, d, wide),
	}
}

// Forward maps the residual stream x, (tokens, hidden_size), to the same shape; kv holds the keys and values that they attend to.
func (l *Layer) Forward(r *tensor.Run, x tensor.Tensor, rot tensor.Rotary, kv KVCache) tensor.Tensor {
	h := r.Tap(l.at("input_layernorm"), r.RMSNorm(x, l.InputNorm))
	q := r.TapHeads(l.at("self_attn.q_proj"), r.Linear(h, l.Q), l.Heads)
	k := r.TapHeads(l.at("self_attn.k_proj"), r.Linear(h, l.K), l.KVHeads)
	v := r.TapHeads(l.at("self_attn.v_proj"), r.Linear(h, l.V), l.KVHeads)
	q = r.TapHeads(l.at("self_attn.q"), r.Rotate(q, rot), l.Heads)
	k = r.TapHeads(l.at("self_attn.k"), r.Rotate(k, rot), l.KVHeads)
	heads := kv.Attend(r, l, q, k, v)
	x = r.Add(x, r.Tap(l.at("self_attn.out"), r.Linear(heads, l.O)))

	h = r.Tap(l.at("post_attention_layernorm"), r.RMSNorm(x, l.PostNorm))
	gate := r.Tap(l.at("mlp.gate_proj"), r.Linear(h, l.Gate))
	up := r.Tap(l.at("mlp.up_proj"), r.Linear(h, l.Up))
	h = r.Tap(l.at("mlp.act"), r.SwiGLU(gate, up))
	x = r.Add(x, r.Tap(l.at("mlp.out"), r.Linear(h, l.Down)))
	r.Finite(l.at("out"), x)
	return r.Tap(l.at("out"), x)
}

// Linears lists the layer's linear maps in the order of the computation.
func (l *Layer) Linears() []*tensor.Linear {
	return []*tensor.Linear{l.Q, l.K, l.V, l.O, l.Gate, l.Up, l.Down}
}

// Norms lists the layer's norms in the order of the computation.
func (l *Layer) Norms() []*tensor.Norm { return []*tensor.Norm{l.InputNorm, l.PostNorm} }

func (l *Layer) at(name string) tensor.Point { return tensor.At(l.Path, name) }
