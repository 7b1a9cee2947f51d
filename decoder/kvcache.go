package decoder

import "github.com/loupe-vl/loupe/kernels/tensor"

// KVCache is what holds the keys (after rotary) and values that the queries of a step attend to. A layer asks nothing more
// of it, so that one layer serves a sequence alone ([Cache]), many with caches of their own ([Batch]), continuations of one
// beginning ([Model.ForwardBranches]) and a pass that keeps nothing ([NoCache]).
type KVCache interface {
	// Attend is the attention of a layer's queries, (rows, heads*head_dim), over what is held and over the step's own k and
	// v, (rows, kv_heads*head_dim). The result is as large as q.
	Attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor
	// Commit ends a step of so many rows, which every layer attended: they are part of what is held from then on. A step
	// that failed is not committed, and leaves what was held.
	Commit(rows int)
}

// NoCache keeps nothing: the step is the whole sequence, and gradients go through it. Training has it.
type NoCache struct{}

// Attend is causal attention within the step.
func (NoCache) Attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor {
	return r.Causal(l.at("self_attn"), q, l.Heads, tensor.Keys(k, v, l.KVHeads))
}

// Commit does nothing.
func (NoCache) Commit(int) {}
