package tensor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// Segment is a run of rows [Start, End) that attend to each other only: an image, or a pair of video frames. Index is its
// number among all segments of the request and ends the name of its tap, "attn.probs.2".
type Segment struct{ Start, End, Index int }

// KV holds the keys and values of all positions so far, each page (page rows, kv_heads*head_dim). Pages grow at the end,
// so that the past is never copied.
type KV struct {
	K, V    []Tensor
	KVHeads int
}

// Keys is the KV of one page: k and v, (rows, kv_heads*head_dim).
func Keys(k, v Tensor, kvHeads int) KV {
	return KV{K: []Tensor{k}, V: []Tensor{v}, KVHeads: kvHeads}
}

// Len is the number of keys.
func (kv KV) Len() int {
	n := 0
	for _, p := range kv.K {
		n += p.Rows
	}
	return n
}

// slice is the keys and values of rows [lo, hi) of a KV of one page.
func (kv KV) slice(lo, hi int) KV {
	return Keys(kv.K[0].Slice(lo, hi), kv.V[0].Slice(lo, hi), kv.KVHeads)
}

// AttentionVarlen is attention inside each segment: q, (rows, heads*head_dim), against the keys and values of the same rows. Taps
// below at: scores.J (after the scale), probs.J and heads, (heads, queries, keys) for segment J.
func (r *Run) AttentionVarlen(at Point, q Tensor, heads int, kv KV, segments []Segment) Tensor {
	return r.TapHeads(at.named("heads"), r.AttentionVarlenUntapped(at, q, heads, kv, segments), heads)
}

// AttentionVarlenUntapped is AttentionVarlen but for the tap heads of the result, which the caller passes once its rows stand as
// they should.
func (r *Run) AttentionVarlenUntapped(at Point, q Tensor, heads int, kv KV, segments []Segment) Tensor {
	out, known := r.attentionResult(q, kv)
	j := newAttention(heads, known)
	for _, s := range segments {
		j = r.apart(at, j)
		j.index = s.Index
		j.add(q.Slice(s.Start, s.End), out.Slice(s.Start, s.End), kv.slice(s.Start, s.End), s.End-s.Start, 0)
	}
	r.attend(at, j)
	return out
}

// apart is the job for the next of several parts: j, or where hooks look, for whom each part is something of its own, another after j is
// done.
func (r *Run) apart(at Point, j *attention) *attention {
	if r.hooks == nil || len(j.spec.Parts) == 0 {
		return j
	}
	heads, known := j.spec.Heads, j.known
	r.attend(at, j)
	return newAttention(heads, known)
}

// Causal is attention to the past: the last row of q, (rows, heads*head_dim), sees all keys of kv, the row before it one
// less. Query head h reads key head h/(heads/kv_heads) (grouped queries, Ainslie et al., arXiv 2305.13245).
func (r *Run) Causal(at Point, q Tensor, heads int, kv KV) Tensor {
	out, known := r.attentionResult(q, kv)
	j := newAttention(heads, known)
	j.add(q, out, kv, kv.Len()-q.Rows+1, 1)
	r.attend(at, j)
	return r.TapHeads(at.named("heads"), out, heads)
}

// CausalBatch is Causal for several sequences at once: the first rows[0] rows of q belong to kv[0], the next rows[1] to
// kv[1] and so on. Each row of the result is that of Causal on its sequence alone. There is no gradient.
func (r *Run) CausalBatch(at Point, q Tensor, heads int, kv []KV, rows []int) Tensor {
	out := r.New(q.Rows, q.Cols)
	if r.idle() {
		return out
	}
	from, j := 0, newAttention(heads, false)
	for i, n := range rows {
		if n == 0 {
			continue
		}
		j = r.apart(at, j)
		j.add(q.Slice(from, from+n), out.Slice(from, from+n), kv[i], kv[i].Len()-n+1, 1)
		from += n
	}
	r.attend(at, j)
	return r.TapHeads(at.named("heads"), out, heads)
}

// named is the point beside p: "self_attn" and "probs" give "self_attn.probs".
func (p Point) named(name string) Point { return p.Sub(name) }

// attention is one job of the device, and who looks into it. It is kept for the next one, unless its gradient is due: decoding
// allocates nothing.
type attention struct {
	spec  kernels.Attention
	pages []kernels.Array // of all parts, keys and values
	known bool            // the result is there already: see Run.product
	index int             // J of the tap names; -1: none
	look  *attentionLook  // nil: nobody looks
}

var attentions = sync.Pool{New: func() any { return new(attention) }}

func newAttention(heads int, known bool) *attention {
	j := attentions.Get().(*attention)
	j.spec.Heads, j.spec.From, j.spec.To = heads, 0, heads
	j.known, j.index = known, -1
	return j
}

// add is one more part: see [kernels.AttentionPart].
func (j *attention) add(q, out Tensor, kv KV, first, more int) {
	page := func(pages []Tensor) []kernels.Array {
		from := len(j.pages)
		for _, p := range pages {
			j.pages = append(j.pages, p.array())
		}
		return j.pages[from:len(j.pages):len(j.pages)]
	}
	p := kernels.AttentionPart{Q: q.array(), Out: out.array(), K: page(kv.K), V: page(kv.V), First: first, More: more}
	if out.HasGrad() {
		p.DOut, p.DQ = out.grad(), q.grad()
		if len(kv.K) == 1 {
			p.DK, p.DV = kv.K[0].grad(), kv.V[0].grad()
		}
	}
	j.spec.KVHeads = kv.KVHeads
	j.spec.Parts = append(j.spec.Parts, p)
}

// release keeps the job for the next one, without anybody's memory.
func (j *attention) release() {
	clear(j.pages)
	clear(j.spec.Parts)
	*j = attention{pages: j.pages[:0], spec: kernels.Attention{Parts: j.spec.Parts[:0]}}
	attentions.Put(j)
}

// attend computes an attention, whose taps are below at, and records its gradient.
func (r *Run) attend(at Point, j *attention) {
	if len(j.spec.Parts) == 0 || r.idle() || !r.checkHeads(at, &j.spec) {
		j.release()
		return
	}
	if r.hooks != nil {
		j.look = r.newLook(at, j)
	}
	switch {
	case j.look != nil:
		r.attendLooking(j)
	case !j.known:
		r.check(r.dev.Attend(&j.spec))
	}
	if j.spec.Parts[0].DOut.Buffer.None() || r.idle() {
		j.release()
		return
	}
	r.record(func() { r.attendBackward(at, j) })
}

// checkHeads fails the run where the columns of queries and keys are not those of their heads.
func (r *Run) checkHeads(at Point, a *kernels.Attention) bool {
	for i := range a.Parts {
		q, k := a.Parts[i].Q, a.Parts[i].K[0]
		if d := q.Cols / a.Heads; a.Heads%a.KVHeads != 0 || k.Cols != d*a.KVHeads {
			r.Fail(fmt.Errorf("%s: %d query heads of %d columns cannot read %d key heads of %d columns in all", at, a.Heads, d, a.KVHeads, k.Cols))
			return false
		}
	}
	return true
}

// attentionResult is the memory of an attention's result, with a gradient where one is to be recorded, or with known the result
// itself.
func (r *Run) attentionResult(q Tensor, kv KV) (out Tensor, known bool) {
	out, known = r.product(q.Rows, q.Cols)
	if r.tape != nil && r.taping(false, append(slices.Concat(kv.K, kv.V), q)...) {
		out = r.WithGrad(out)
	}
	return out, known
}

// attendBackward is the backward of attend. The probabilities are not kept: the device computes them again.
func (r *Run) attendBackward(at Point, j *attention) {
	if len(j.spec.Parts[0].K) != 1 {
		r.Fail(fmt.Errorf("%s: gradients go through attention without a cache only", at.named("probs")))
		return
	}
	if j.look != nil {
		r.attendBackwardLooking(j)
		return
	}
	r.check(r.dev.AttendBackward(&j.spec))
}
