package attribution

import (
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// attention is the probabilities of one layer, kept as what they are made of: queries and keys after rotary, as they were
// tapped. All heads of all layers of a large picture would be tens of gigabytes; these are a few hundredths of that. What is
// computed again from them is what the model used, to the bit.
type attention struct {
	eng            *kernels.Engine
	q, k           tensor.Tensor // (rows, heads*head_dim) and (rows, kv_heads*head_dim)
	heads, kvHeads int
	causal         bool
}

// newAttention takes the taps of queries and keys.
func newAttention(eng *kernels.Engine, q, k loupe.Tap, heads, kvHeads int, causal bool) *attention {
	return &attention{eng: eng, q: asTensor(q), k: asTensor(k), heads: heads, kvHeads: kvHeads, causal: causal}
}

// asTensor is a tap of two dimensions as a tensor.
func asTensor(t loupe.Tap) tensor.Tensor { return tensor.Of(t.Shape[0], t.Shape[1], t.Data) }

// span is the part of an attention that stays within rows [lo, hi).
func (a *attention) span(lo, hi int) *attention {
	b := *a
	b.q, b.k = a.q.Slice(lo, hi), a.k.Slice(lo, hi)
	return &b
}

// probs are the probabilities of queries [lo, hi) of a head, (hi-lo, keys), in the memory of dst. Keys that a query does not
// see have 0.
func (a *attention) probs(dst []float32, head, lo, hi int) tensor.Tensor {
	d, kv := a.q.Cols/a.heads, head/(a.heads/a.kvHeads)
	q := a.q.Slice(lo, hi).Columns(head*d, (head+1)*d)
	k := a.k.Columns(kv*d, (kv+1)*d)
	p := tensor.Of(hi-lo, k.Rows, dst)
	a.eng.MatMul(kernels.View{Data: p.Data, Rows: p.Rows, Cols: p.Cols, RowStride: p.Stride, ColStride: 1},
		kernels.View{Data: q.Data, Rows: q.Rows, Cols: q.Cols, RowStride: q.Stride, ColStride: 1},
		kernels.Matrix{Layout: kernels.F32, F32: k.Data, Rows: k.Rows, Cols: k.Cols, Stride: k.Stride}, kernels.TransW)
	scale := float32(1 / math.Sqrt(float64(d)))
	a.eng.For(p.Rows, 1, func(from, to int) {
		for i := from; i < to; i++ {
			row, seen := p.Row(i), p.Cols
			if a.causal {
				seen = lo + i + 1
			}
			a.eng.Scale(row, row, scale)
			a.eng.Softmax(row[:seen])
			clear(row[seen:])
		}
	})
	return p
}

// queryBlock is how many queries are computed together.
const queryBlock = 128

// follow is r·W, where r weighs the queries and W, (queries, keys), is the mean over heads of the probabilities P: of P
// itself, or with grad, (heads, queries, keys), of the positive part of P times its gradient. heads nil is all.
func (a *attention) follow(r []float64, heads []int, grad []float32) []float64 {
	out := make([]float64, a.k.Rows)
	if heads == nil {
		heads = upTo(a.heads)
	}
	size := len(r) * a.k.Rows
	for _, h := range heads {
		if grad == nil {
			a.followHead(out, r, h, nil, len(heads))
		} else {
			a.followHead(out, r, h, grad[h*size:(h+1)*size], len(heads))
		}
	}
	return out
}

// followHead adds what follow does for one of n heads, whose gradient, if it is not nil, is (queries, keys).
func (a *attention) followHead(out, r []float64, head int, grad []float32, n int) {
	keys := a.k.Rows
	buf := make([]float32, min(queryBlock, len(r))*keys)
	for lo := 0; lo < len(r); lo += queryBlock {
		from, to := weighed(r, lo, min(lo+queryBlock, len(r)))
		if from == to {
			continue
		}
		p := a.probs(buf, head, from, to)
		a.eng.For(keys, 64, func(first, last int) {
			for i := from; i < to; i++ {
				w := r[i] / float64(n)
				row := p.Row(i - from)[first:last]
				if grad == nil {
					addScaled(out[first:last], row, w)
				} else {
					addPositive(out[first:last], row, grad[i*keys:][first:last], w)
				}
			}
		})
	}
}

// weighed is the part of [lo, hi) from the first to the last query that has a weight.
func weighed(r []float64, lo, hi int) (from, to int) {
	for lo < hi && r[lo] == 0 {
		lo++
	}
	for hi > lo && r[hi-1] == 0 {
		hi--
	}
	return lo, hi
}

// addScaled is out += w*p.
func addScaled(out []float64, p []float32, w float64) {
	for i, v := range p {
		out[i] += float64(w * float64(v))
	}
}

// addPositive is out += w*max(0, p*g).
func addPositive(out []float64, p, g []float32, w float64) {
	for i, v := range p {
		if x := float64(v) * float64(g[i]); x > 0 {
			out[i] += float64(w * x)
		}
	}
}

// upTo is 0, 1, ..., n-1.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// chosen is a user's list of layers or heads, nil for all of n, after a check.
func chosen(list []int, n int, what string) ([]int, error) {
	if list == nil {
		return upTo(n), nil
	}
	for at, i := range list {
		if i < 0 || i >= n {
			return nil, fmt.Errorf("%s %d: there are %d, numbered from 0", what, i, n)
		}
		if slices.Contains(list[:at], i) {
			return nil, fmt.Errorf("%s %d is named twice; name it once", what, i)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the list of %ss is empty; name one, or leave it out for all", what)
	}
	return list, nil
}
