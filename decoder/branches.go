package decoder

import (
	"runtime"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// Branch is one of several continuations of a sequence whose beginning a cache holds: Rows tokens at positions At, At+1 and
// so on, after the first At positions of the cache.
type Branch struct{ At, Rows int }

// branches let a layer run several continuations at once. Each attends to the shared beginning and to itself.
type branches struct {
	prefix *Cache
	each   []Branch
}

// Attend is causal attention of each branch over the shared beginning and itself. The rows of q, k and v are those of one branch
// after the other.
func (b *branches) Attend(r *tensor.Run, l *Layer, q, k, v tensor.Tensor) tensor.Tensor {
	var kv []tensor.KV
	var rows []int
	at := 0
	for _, s := range b.each {
		own := tensor.KV{KVHeads: l.KVHeads}
		own.K, own.V = b.prefix.first(l.Index, s.At, nil, nil)
		own.K, own.V = append(own.K, k.Slice(at, at+s.Rows)), append(own.V, v.Slice(at, at+s.Rows))
		kv, rows = append(kv, own), append(rows, s.Rows)
		at += s.Rows
	}
	return r.CausalBatch(l.at("self_attn"), q, l.Heads, kv, rows)
}

// Commit keeps nothing of the branches.
func (b *branches) Commit(int) {}

// ForwardBranches runs layers from on over the branches of what prefix holds. x, (rows of all branches, hidden_size), is the
// residual stream before layer from, a branch after the other, and pos the positions of its rows. The result is model.norm's
// output; x and prefix stay as they are. Each row is what Forward gives for its branch alone, to the bit: the branches share
// products, so that many short ones cost little more than their rows in one.
func (m *Model) ForwardBranches(r *tensor.Run, from int, x tensor.Tensor, pos Positions, prefix *Cache, each []Branch) tensor.Tensor {
	rot := placedRotary{on: -1}
	x = r.Copy(x)
	kv := &branches{prefix, each}
	for _, l := range m.Layers[from:] {
		x = m.enter(r, l, x, pos, &rot)
		x = r.Scope(x, func(x tensor.Tensor) tensor.Tensor { return l.Forward(r, x, rot.Rotary, kv) })
	}
	runtime.KeepAlive(prefix) // its pages are read where only their numbers are known
	return m.norm(r, x)
}
