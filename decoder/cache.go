package decoder

import (
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// pageRows is how many positions one page of the cache holds.
const pageRows = 256

// Cache holds the keys (after rotary) and values of a request, layer by layer, in pages: it grows without copying the
// past. It belongs to one request.
type Cache struct {
	kvHeads, width int
	n              int // positions that all layers hold
	layers         []pages
	branches       *branches // in place of all the others: see ForwardBranches
}

// pages are those of one layer. seenK and seenV are k and v as far as they are filled, which attention is lent until the next step.
type pages struct{ k, v, seenK, seenV []tensor.Tensor }

// NewCache is an empty cache for a model of this configuration.
func NewCache(cfg weights.TextConfig) *Cache {
	return &Cache{kvHeads: cfg.NumKeyValueHeads, width: cfg.NumKeyValueHeads * cfg.HeadDim(), layers: make([]pages, cfg.NumHiddenLayers)}
}

// Len is the number of positions that the cache holds.
func (c *Cache) Len() int { return c.n }

// Bytes is the memory of the cache's pages.
func (c *Cache) Bytes() int {
	n := 0
	for _, l := range c.layers {
		n += 2 * 4 * len(l.k) * pageRows * c.width
	}
	return n
}

// attend is a layer's attention over all that the cache holds, after k and v have joined it.
func (c *Cache) attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor {
	if c != nil && c.branches != nil {
		return c.branches.attend(r, l, q, k, v)
	}
	return r.Causal(l.at("self_attn"), q, l.Heads, c.extend(l, k, v))
}

// extend appends the rows of k and v, (tokens, kv_heads*head_dim), to a layer and returns all that it holds. Without a cache
// they are all, and gradients go through them.
func (c *Cache) extend(layer *Layer, k, v tensor.Tensor) tensor.KV {
	if c == nil {
		return tensor.Keys(k, v, layer.KVHeads)
	}
	l := &c.layers[layer.Index]
	for i := range k.Rows {
		at := c.n + i
		if at/pageRows == len(l.k) {
			l.k = append(l.k, tensor.Of(pageRows, c.width, make([]float32, pageRows*c.width)))
			l.v = append(l.v, tensor.Of(pageRows, c.width, make([]float32, pageRows*c.width)))
		}
		copy(l.k[at/pageRows].Row(at%pageRows), k.Row(i))
		copy(l.v[at/pageRows].Row(at%pageRows), v.Row(i))
	}
	l.seenK, l.seenV = head(l.seenK[:0], l.k, c.n+k.Rows), head(l.seenV[:0], l.v, c.n+k.Rows)
	return tensor.KV{K: l.seenK, V: l.seenV, KVHeads: c.kvHeads}
}

// head appends the first n rows of pages to out, which is empty.
func head(out, pages []tensor.Tensor, n int) []tensor.Tensor {
	out = append(out, pages...)
	if last := len(out) - 1; last >= 0 {
		out[last] = out[last].Slice(0, n-last*pageRows)
	}
	return out
}

// commit ends a step in which every layer was extended by n positions.
func (c *Cache) commit(n int) {
	if c != nil {
		c.n += n
	}
}
