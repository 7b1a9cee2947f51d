package decoder

import (
	"strconv"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// Model is the decoder of a loaded checkpoint.
type Model struct {
	Config weights.TextConfig
	Embed  kernels.Matrix // (vocab_size, hidden_size)
	// EmbedGrad is the gradient of Embed to add to, dense; nil where it does not learn.
	EmbedGrad []float32
	EmbedLoRA *tensor.EmbeddingLoRA // nil for none
	Layers    []*Layer
	Norm      *tensor.Norm
	LMHead    *tensor.Linear // the embedding itself where the checkpoint ties them

	turns turns
}

// Load reads the tensors named model.* and lm_head from p, whose error tells what was missing.
func Load(p *weights.Params, cfg weights.TextConfig) *Model {
	m := &Model{Config: cfg, turns: newTurns(cfg)}
	m.Embed = p.Matrix("model.embed_tokens.weight", cfg.VocabSize, cfg.HiddenSize)
	for i := range cfg.NumHiddenLayers {
		m.Layers = append(m.Layers, loadLayer(p, "model.layers."+strconv.Itoa(i), i, cfg))
	}
	m.Norm = p.RMSNorm("model.norm", cfg.HiddenSize, cfg.RMSNormEps)
	if cfg.TieWordEmbeddings {
		p.Tied("lm_head.weight", "model.embed_tokens.weight", cfg.VocabSize, cfg.HiddenSize)
		m.LMHead = p.LinearFrom("lm_head", m.Embed)
	} else {
		m.LMHead = p.LinearOf("lm_head", false, cfg.VocabSize, cfg.HiddenSize)
	}
	return m
}

// Vision are feature rows and the positions of the sequence that they take, in ascending order.
type Vision struct {
	At   []int         // positions in the sequence
	Rows tensor.Tensor // (len(At), hidden_size)
}

// EmbedTokens looks up ids, whose first stands at position r.FirstRow, and places the vision rows that fall among them.
func (m *Model) EmbedTokens(r *tensor.Run, ids []int, vision []Vision) tensor.Tensor {
	x := r.Tap(tensor.At("model.embed_tokens", ""), r.Embedding(m.Embed, m.EmbedGrad, m.EmbedLoRA, ids))
	for _, v := range vision {
		lo, at := 0, []int(nil)
		for i, p := range v.At {
			switch {
			case p < r.FirstRow:
				lo = i + 1
			case p < r.FirstRow+len(ids):
				at = append(at, p-r.FirstRow)
			}
		}
		if len(at) > 0 {
			x = r.Place(x, at, v.Rows.Slice(lo, lo+len(at)))
		}
	}
	return x
}

// Forward runs the layers over x, (tokens, hidden_size), whose tokens stand at positions pos, after what cache holds;
// keys and values are appended to it. The result is model.norm's output, (tokens, hidden_size).
func (m *Model) Forward(r *tensor.Run, x tensor.Tensor, pos Positions, cache *Cache) tensor.Tensor {
	return m.ForwardEach(r, x, pos, cache, func(tensor.Tensor) {})
}

// ForwardEach is Forward that also calls see with the residual stream before each layer and after the last. see may not keep it: its
// memory is used again.
func (m *Model) ForwardEach(r *tensor.Run, x tensor.Tensor, pos Positions, cache *Cache, see func(x tensor.Tensor)) tensor.Tensor {
	rot := m.rotary(r, pos)
	type work struct {
		r     *tensor.Run
		l     *Layer
		rot   tensor.Rotary
		cache *Cache
	}
	for _, l := range m.Layers {
		see(x)
		x = tensor.ScopeWith(r, x, work{r, l, rot, cache}, func(w work, x tensor.Tensor) tensor.Tensor {
			return w.l.Forward(w.r, x, w.rot, w.cache)
		})
	}
	see(x)
	cache.commit(x.Rows)
	return r.Tap(tensor.At("model.norm", ""), r.RMSNorm(x, m.Norm))
}

// Logits maps rows of model.norm's output to (rows, vocab_size).
func (m *Model) Logits(r *tensor.Run, h tensor.Tensor) tensor.Tensor {
	out := tensor.At("lm_head", "")
	logits := r.Linear(h, m.LMHead)
	r.Finite(out, logits)
	return r.Tap(out, logits)
}
