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
	Embed  kernels.Placed // (vocab_size, hidden_size)
	// EmbedGrad is the gradient of Embed to add to, dense; none where it does not learn.
	EmbedGrad kernels.Buffer
	EmbedLoRA *tensor.EmbeddingLoRA // nil for none
	Layers    []*Layer
	Norm      *tensor.Norm
	LMHead    *tensor.Linear // the embedding itself where the checkpoint ties them

	// EmbedDevice and OutputDevice are the numbers of the devices with the embedding, and with the last norm and lm_head: see tensor.Run.To.
	EmbedDevice, OutputDevice int

	// Pages are those of the keys and values of all sequences that run on this model.
	Pages *PagePool

	mrope mrope
}

// Load reads the tensors named model.* and lm_head of a family's decoder from p, whose error tells what was missing.
func Load(p *weights.Params, cfg weights.TextConfig, family *Family) *Model {
	on := p.Devices()
	m := &Model{Config: cfg, mrope: newMRoPE(cfg, family), Pages: NewPagePool(on, cfg, DefaultPageRows), EmbedDevice: on.Embed, OutputDevice: on.Output}
	m.Embed = p.Table("model.embed_tokens.weight", cfg.VocabSize, cfg.HiddenSize)
	for i := range cfg.NumHiddenLayers {
		m.Layers = append(m.Layers, loadLayer(p, "model.layers."+strconv.Itoa(i), i, cfg, family))
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

// Linears lists the linear maps of the layers in the order of the computation, without lm_head.
func (m *Model) Linears() []*tensor.Linear {
	var out []*tensor.Linear
	for _, l := range m.Layers {
		out = append(out, l.Linears()...)
	}
	return out
}

// Norms lists the norms of the layers, and the last one.
func (m *Model) Norms() []*tensor.Norm {
	var out []*tensor.Norm
	for _, l := range m.Layers {
		out = append(out, l.Norms()...)
	}
	return append(out, m.Norm)
}

// Vision are feature rows and the positions of the sequence that they take, in ascending order.
type Vision struct {
	At   []int         // positions in the sequence
	Rows tensor.Tensor // (len(At), hidden_size)
}

// NewCache is an empty cache for a sequence of this model. Its pages are of m.Pages.
func (m *Model) NewCache() *Cache { return m.Pages.NewCache() }

// EmbedTokens looks up ids, whose first stands at position r.FirstRow, and places the vision rows that fall among them.
func (m *Model) EmbedTokens(r *tensor.Run, ids []int, vision []Vision) tensor.Tensor {
	r.At(m.EmbedDevice)
	x := r.Tap(tensor.At("model.embed_tokens", ""), r.Embedding(m.Embed, m.EmbedGrad, m.EmbedLoRA, ids))
	return place(r, x, r.FirstRow, vision)
}

// place puts the vision rows that fall among the rows of x, the first of which stands at position first, into x.
func place(r *tensor.Run, x tensor.Tensor, first int, vision []Vision) tensor.Tensor {
	for _, v := range vision {
		lo, at := 0, []int(nil)
		for i, p := range v.At {
			switch {
			case p < first:
				lo = i + 1
			case p < first+x.Rows:
				at = append(at, p-first)
			}
		}
		if len(at) > 0 {
			x = r.Place(x, at, v.Rows.Slice(lo, lo+len(at)))
		}
	}
	return x
}

// Forward runs the layers over x, (tokens, hidden_size), whose tokens stand at positions pos, after what kv holds; their keys
// and values join it. The result is model.norm's output, (tokens, hidden_size).
func (m *Model) Forward(r *tensor.Run, x tensor.Tensor, pos Positions, kv KVCache) tensor.Tensor {
	return m.ForwardEach(r, x, pos, kv, func(tensor.Tensor) {})
}

// ForwardEach is Forward that also calls see with the residual stream before each layer and after the last. see may not keep it: its
// memory is used again.
func (m *Model) ForwardEach(r *tensor.Run, x tensor.Tensor, pos Positions, kv KVCache, see func(x tensor.Tensor)) tensor.Tensor {
	type work struct {
		r   *tensor.Run
		l   *Layer
		rot tensor.Rotary
		kv  KVCache
	}
	rot := placedRotary{on: -1}
	for _, l := range m.Layers {
		see(x)
		x = m.enter(r, l, x, pos, &rot)
		x = tensor.ScopeWith(r, x, work{r, l, rot.Rotary, kv}, func(w work, x tensor.Tensor) tensor.Tensor {
			return w.l.Forward(w.r, x, w.rot, w.kv)
		})
	}
	see(x)
	if r.Err() == nil {
		kv.Commit(x.Rows)
	}
	return m.norm(r, x)
}

// placedRotary is the tables of angles, and the number of the device on which they lie.
type placedRotary struct {
	tensor.Rotary
	on int
}

// enter takes the residual stream to the device of l, and makes the tables of angles there.
func (m *Model) enter(r *tensor.Run, l *Layer, x tensor.Tensor, pos Positions, rot *placedRotary) tensor.Tensor {
	if rot.on != l.Device {
		x = r.To(l.Device, x)
		rot.Rotary, rot.on = m.rotary(r, pos), l.Device
	}
	return x
}

// norm is model.norm of the residual stream after the last layer.
func (m *Model) norm(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	x = r.To(m.OutputDevice, x)
	return r.Tap(tensor.At("model.norm", ""), r.RMSNorm(x, m.Norm))
}

// Logits maps rows of model.norm's output to (rows, vocab_size).
func (m *Model) Logits(r *tensor.Run, h tensor.Tensor) tensor.Tensor {
	h = r.To(m.OutputDevice, h)
	out := tensor.At("lm_head", "")
	logits := r.Linear(h, m.LMHead)
	r.Finite(out, logits)
	return r.Tap(out, logits)
}
