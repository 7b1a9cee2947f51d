package tensor

import (
	"fmt"
	"slices"
)

// attentionResult is the memory of an attention's result, with a gradient where one is to be recorded.
func (r *Run) attentionResult(q Tensor, kv KV) Tensor {
	out := r.New(q.Rows, q.Cols)
	if r.taping(false, append(slices.Concat(kv.K, kv.V), q)...) {
		out = r.WithGrad(out)
	}
	return out
}

// recordAttention records the backward of an attention that was just computed. The probabilities are not kept: they are
// computed again, a block at a time, which costs one product of four.
func (r *Run) recordAttention(a *attention, scores, probs Point) {
	if a.out.Grad == nil || r.idle() {
		return
	}
	r.record(func() {
		if len(a.scoreEdits)+len(a.probEdits) > 0 {
			r.Fail(fmt.Errorf("intervention at %s or %s: a gradient cannot go through an intervention on attention; leave --grad or the intervention away", scores, probs))
			return
		}
		if len(a.kv.K) != 1 {
			r.Fail(fmt.Errorf("%s: gradients go through attention without a cache only", probs))
			return
		}
		shape := []int{a.heads, a.q.Rows, a.kv.Len()}
		size := shape[0] * shape[1] * shape[2]
		watcher, _ := r.probe.(GradProbe)
		a.dScores, a.dProbs = nil, nil
		if watcher != nil && watcher.WantsGrad(scores, shape) {
			a.dScores = make([]float32, size)
		}
		if watcher != nil && watcher.WantsGrad(probs, shape) {
			a.dProbs = make([]float32, size)
		}
		r.attentionBackward(a)
		if a.dProbs != nil {
			watcher.SeeGrad(probs, shape, a.dProbs)
		}
		if a.dScores != nil {
			watcher.SeeGrad(scores, shape, a.dScores)
		}
	})
}

// attentionBackward goes through the query heads of each key head, and through the blocks of queries of each, in order: the
// gradients of keys and values, to which all of them add, do not depend on threads.
func (r *Run) attentionBackward(a *attention) {
	group := a.heads / a.kv.KVHeads
	r.eng.For(a.kv.KVHeads, 1, func(lo, hi int) {
		w := attentionWork.Get().(*attentionScratch)
		defer attentionWork.Put(w)
		for head := lo * group; head < hi*group; head++ {
			for first := 0; first < a.q.Rows; first += queryBlock {
				r.blockBackward(w, a, head, first, min(first+queryBlock, a.q.Rows))
			}
		}
	})
}

// blockBackward is the backward of attendBlock. With P the probabilities, dP = dO Vᵀ and dS = P (dP - Σ P dP):
// dV += Pᵀ dO, dQ += scale dS K, dK += scale dSᵀ Q.
func (r *Run) blockBackward(w *attentionScratch, a *attention, head, lo, hi int) {
	d := a.q.Cols / a.heads
	kvHead := head / (a.heads / a.kv.KVHeads)
	n, keys := hi-lo, a.visible(hi-1)
	q := a.q.Slice(lo, hi).Columns(head*d, (head+1)*d)
	k := a.kv.K[0].Slice(0, keys).Columns(kvHead*d, (kvHead+1)*d)
	v := a.kv.V[0].Slice(0, keys).Columns(kvHead*d, (kvHead+1)*d)
	dOut := a.out.Slice(lo, hi).Columns(head*d, (head+1)*d).gradTensor()
	p, dp := block(&w.rows, n, keys), block(&w.back, n, keys)
	scale := attnScale(d)

	r.eng.MatMulSerial(w.matmul, p.view(), q.view(), k.matrix(), true, false)
	for i := range n {
		row, seen := p.Row(i), a.visible(lo+i)
		r.eng.Scale(row, row, scale)
		r.eng.Softmax(row[:seen])
		clear(row[seen:])
	}
	if a.dProbs != nil {
		r.keepProbsGrad(w, a, head, lo, dOut)
	}
	r.eng.MatMulSerial(w.matmul, dp.view(), dOut.view(), v.matrix(), true, false)
	if v.Grad != nil {
		r.eng.MatMulSerial(w.matmul, v.gradTensor().view(), p.transposed(), dOut.matrix(), false, true)
	}
	for i := range n {
		row, seen := dp.Row(i), a.visible(lo+i)
		r.eng.SoftmaxBackward(row[:seen], p.Row(i)[:seen])
		clear(row[seen:])
	}
	if a.dScores != nil {
		for i := range n {
			copy(a.dScores[(head*a.q.Rows+lo+i)*a.kv.Len():], dp.Row(i)[:a.visible(lo+i)]) // what is not seen stays 0
		}
	}
	for i := range n {
		r.eng.Scale(dp.Row(i), dp.Row(i), scale)
	}
	if q.Grad != nil {
		r.eng.MatMulSerial(w.matmul, q.gradTensor().view(), dp.view(), k.matrix(), false, true)
	}
	if k.Grad != nil {
		r.eng.MatMulSerial(w.matmul, k.gradTensor().view(), dp.transposed(), q.matrix(), false, true)
	}
}

// keepProbsGrad computes the gradient of a block's probabilities for the probe. Those of keys that a query does not see have
// one too: how the result would change if it looked there.
func (r *Run) keepProbsGrad(w *attentionScratch, a *attention, head, lo int, dOut Tensor) {
	d, keys := dOut.Cols, a.kv.Len()
	kvHead := head / (a.heads / a.kv.KVHeads)
	keep := Of(dOut.Rows, keys, a.dProbs[(head*a.q.Rows+lo)*keys:])
	r.eng.MatMulSerial(w.matmul, keep.view(), dOut.view(), a.kv.V[0].Columns(kvHead*d, (kvHead+1)*d).matrix(), true, false)
}
