package tensor

// CausalBranches is Causal for several sequences at once: the first rows[0] rows of q belong to kv[0], the next rows[1] to
// kv[1] and so on. Each row of the result is that of Causal on its sequence alone. There is no gradient.
func (r *Run) CausalBranches(at Point, q Tensor, heads int, kv []KV, rows []int) Tensor {
	out := r.New(q.Rows, q.Cols)
	from := 0
	for i, n := range rows {
		r.attend(at, attention{
			heads: heads, q: q.Slice(from, from+n), kv: kv[i], out: out.Slice(from, from+n), index: -1,
			first: kv[i].Len() - n + 1, more: 1,
		})
		from += n
	}
	return r.TapHeads(at.named("heads"), out, heads)
}

// Copy is x in the run's memory, for an operation that writes over what it is given. There is no gradient.
func (r *Run) Copy(x Tensor) Tensor {
	out := r.New(x.Rows, x.Cols)
	if !r.idle() {
		r.copyInto(out, x)
	}
	return out
}
