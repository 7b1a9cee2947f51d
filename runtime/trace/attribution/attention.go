package attribution

import (
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// attention is the probabilities of one layer, kept as the queries and keys after rotary that they are computed from. The
// probabilities of all heads and layers of a large picture would take tens of gigabytes; queries and keys take a few
// hundredths of that. Computed again, they have the bits that the model used.
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

// among is the attention of some rows to each other.
func (a *attention) among(rows []int) *attention {
	b := *a
	b.q, b.k = selectRows(a.q, rows), selectRows(a.k, rows)
	return &b
}

// selectRows are some rows of x: as they lie, where they lie together in their order.
func selectRows(x tensor.Tensor, rows []int) tensor.Tensor {
	first := rows[0]
	if !slices.ContainsFunc(rows, func(row int) bool { first++; return row != first-1 }) {
		return x.Slice(rows[0], first)
	}
	out := tensor.Of(len(rows), x.Cols, make([]float32, len(rows)*x.Cols))
	for i, row := range rows {
		copy(out.Row(i), x.Row(row))
	}
	return out
}

// probs are the probabilities of queries [lo, hi) of a head, (hi-lo, keys), in the memory of dst. Masked keys have 0.
func (a *attention) probs(dst []float32, head, lo, hi int) tensor.Tensor {
	d, kv := a.q.Cols/a.heads, head/(a.heads/a.kvHeads)
	q := a.q.Slice(lo, hi).Columns(head*d, (head+1)*d)
	k := a.k.Columns(kv*d, (kv+1)*d)
	p := tensor.Of(hi-lo, k.Rows, dst)
	a.eng.MatMul(kernels.View{Data: p.Floats(), Rows: p.Rows, Cols: p.Cols, RowStride: p.Stride, ColStride: 1},
		kernels.View{Data: q.Data.Host(), Rows: q.Rows, Cols: q.Cols, RowStride: q.Stride, ColStride: 1},
		kernels.Matrix{Layout: kernels.F32, F32: k.Data.Host(), Rows: k.Rows, Cols: k.Cols, Stride: k.Stride}, kernels.TransW)
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

// propagate is r·W: it carries a weight of each query to the keys. W, (queries, keys), is the mean over heads of the
// probabilities P, or with grad, (heads, queries, keys), the mean of the positive part of P times its gradient. heads nil
// is all.
func (a *attention) propagate(r []float64, heads []int, grad []float32) []float64 {
	out := make([]float64, a.k.Rows)
	if heads == nil {
		heads = upTo(a.heads)
	}
	size := len(r) * a.k.Rows
	for _, h := range heads {
		if grad == nil {
			a.propagateHead(out, r, h, nil, len(heads))
		} else {
			a.propagateHead(out, r, h, grad[h*size:(h+1)*size], len(heads))
		}
	}
	return out
}

// propagateHead adds one of n heads to out, as propagate does. grad is (queries, keys), or nil.
func (a *attention) propagateHead(out, r []float64, head int, grad []float32, n int) {
	keys := a.k.Rows
	buf := make([]float32, min(queryBlock, len(r))*keys)
	for lo := 0; lo < len(r); lo += queryBlock {
		from, to := weighted(r, lo, min(lo+queryBlock, len(r)))
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

// weighted is the range within [lo, hi) from the first to the last query whose weight is not 0.
func weighted(r []float64, lo, hi int) (from, to int) {
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

// chosen checks a user's list of layers or heads, of which there are n. nil is all.
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
