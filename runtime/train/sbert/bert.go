package sbert

import (
	"fmt"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// bert is BertModel without its pooler, which sentence encoders do not use (Devlin et al., arXiv 1810.04805).
type bert struct {
	words, types, positions kernels.Placed // rows of hidden_size
	norm                    *tensor.Norm
	layers                  []*layer
}

// layer is BertLayer: attention, then the feed-forward part, each normalized after its residual.
type layer struct {
	at        string
	heads     int
	q, k, v   *tensor.Linear
	attnOut   *tensor.Linear
	attnNorm  *tensor.Norm
	up, down  *tensor.Linear
	finalNorm *tensor.Norm
}

// loadBert reads the encoder's tensors, whose names begin with prefix.
func loadBert(p *weights.Params, prefix string, c *weights.BertConfig) *bert {
	in := prefix + "embeddings."
	b := &bert{
		words:     p.Table(in+"word_embeddings.weight", c.VocabSize, c.HiddenSize),
		types:     p.Table(in+"token_type_embeddings.weight", c.Types, c.HiddenSize),
		positions: p.Table(in+"position_embeddings.weight", c.MaxPositions, c.HiddenSize),
		norm:      p.LayerNorm(in+"LayerNorm", c.HiddenSize, c.LayerNormEps),
	}
	for i := range c.Layers {
		at := fmt.Sprintf("%sencoder.layer.%d.", prefix, i)
		square := func(name string) *tensor.Linear { return p.LinearOf(at+name, true, c.HiddenSize, c.HiddenSize) }
		b.layers = append(b.layers, &layer{
			at: at, heads: c.Heads,
			q: square("attention.self.query"), k: square("attention.self.key"), v: square("attention.self.value"),
			attnOut:   square("attention.output.dense"),
			attnNorm:  p.LayerNorm(at+"attention.output.LayerNorm", c.HiddenSize, c.LayerNormEps),
			up:        p.LinearOf(at+"intermediate.dense", true, c.IntermediateSize, c.HiddenSize),
			down:      p.LinearOf(at+"output.dense", true, c.HiddenSize, c.IntermediateSize),
			finalNorm: p.LayerNorm(at+"output.LayerNorm", c.HiddenSize, c.LayerNormEps),
		})
	}
	return b
}

// forward maps the tokens of one text to their rows, (tokens, hidden_size).
func (b *bert) forward(r *tensor.Run, ids []int) tensor.Tensor {
	first, count := make([]int, len(ids)), make([]int, len(ids))
	for i := range count {
		count[i] = i
	}
	rows := func(table kernels.Placed, ids []int) tensor.Tensor { return r.Gather(table, kernels.Buffer{}, ids) }
	x := r.Add(rows(b.words, ids), rows(b.types, first))
	x = r.LayerNorm(r.Add(x, rows(b.positions, count)), b.norm)
	for _, l := range b.layers {
		x = r.Scope(x, func(x tensor.Tensor) tensor.Tensor { return l.forward(r, x) })
		r.Finite(tensor.At(l.at+"output", ""), x)
	}
	return x
}

func (l *layer) forward(r *tensor.Run, x tensor.Tensor) tensor.Tensor {
	q, k, v := r.Linear(x, l.q), r.Linear(x, l.k), r.Linear(x, l.v)
	whole := []tensor.Segment{{Start: 0, End: x.Rows, Index: -1}}
	h := r.AttentionVarlen(tensor.At(l.at+"attention.self", ""), q, l.heads, tensor.Keys(k, v, l.heads), whole)
	x = r.LayerNorm(r.Add(r.Linear(h, l.attnOut), x), l.attnNorm)
	h = r.Linear(r.GELU(r.Linear(x, l.up)), l.down)
	return r.LayerNorm(r.Add(h, x), l.finalNorm)
}
