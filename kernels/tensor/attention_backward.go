package tensor

import (
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
)

// attentionResult is the memory of an attention's result, with a gradient where one is to be recorded, or with known the result
// itself.
func (r *Run) attentionResult(q Tensor, kv KV) (out Tensor, known bool) {
	out, known = r.product(q.Rows, q.Cols)
	if r.tape != nil && r.taping(false, append(slices.Concat(kv.K, kv.V), q)...) {
		out = r.WithGrad(out)
	}
	return out, known
}

// recordAttention records the backward of an attention that was just computed. The probabilities are not kept: they are
// computed again, a block at a time, which costs one product of four.
func (r *Run) recordAttention(a *attention, scores, probs Point) {
	if a.out.Grad == nil || r.idle() {
		return
	}
	r.record(func() {
		if len(a.kv.K) != 1 {
			r.Fail(fmt.Errorf("%s: gradients go through attention without a cache only", probs))
			return
		}
		watcher, _ := r.hooks.(GradHooks)
		wantScores := watcher != nil && watcher.WantsGrad(scores, a.shape())
		wantProbs := watcher != nil && watcher.WantsGrad(probs, a.shape())
		a.firstHead, a.dScores, a.dProbs = 0, nil, nil
		if parts, ok := watcher.(GradPartHooks); ok && (wantScores || wantProbs) {
			group := r.headsInPart(a, a.heads/a.kv.KVHeads)
			a.dScores, a.dProbs = r.partOf(wantScores, a, group), r.partOf(wantProbs, a, group)
			for ; a.firstHead < a.heads; a.firstHead += group {
				heads := min(group, a.heads-a.firstHead)
				clear(a.dScores) // what is not seen stays 0
				r.attentionBackward(a, heads)
				r.seePart(parts.SeeGradPart, probs, a, a.dProbs, heads)
				r.seePart(parts.SeeGradPart, scores, a, a.dScores, heads)
			}
			return
		}
		size := a.heads * a.q.Rows * a.kv.Len()
		if wantScores {
			a.dScores = make([]float32, size)
		}
		if wantProbs {
			a.dProbs = make([]float32, size)
		}
		r.attentionBackward(a, a.heads)
		if wantProbs {
			watcher.SeeGrad(probs, a.shape(), a.dProbs)
		}
		if wantScores {
			watcher.SeeGrad(scores, a.shape(), a.dScores)
		}
	})
}

// attentionBackward goes through heads query heads from firstHead on, those of one key head after the other, and through the
// blocks of queries of each, in order: the gradients of keys and values, to which all of them add, do not depend on threads.
func (r *Run) attentionBackward(a *attention, heads int) {
	group, size := a.heads/a.kv.KVHeads, a.block()
	r.eng.For(heads/group, 1, func(lo, hi int) {
		w := attentionWork.Get().(*attentionScratch)
		defer attentionWork.Put(w)
		for head := a.firstHead + lo*group; head < a.firstHead+hi*group; head++ {
			for first := 0; first < a.q.Rows; first += size {
				r.blockBackward(w, a, head, first, min(first+size, a.q.Rows))
			}
		}
	})
}

// blockBackward is the backward of attendBlock. With P the probabilities, dP = dO Vᵀ and dS = P (dP - Σ P dP):
// dV += Pᵀ dO, dQ += scale dS K, dK += scale dSᵀ Q. Edits are made again, and gone through backward.
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

	r.eng.MatMulSerial(w.matmul, p.view(), q.view(), k.matrix(), kernels.TransW)
	for i := range n {
		row, seen := p.Row(i), a.visible(lo+i)
		r.eng.Scale(row, row, scale)
		_ = a.edit(r, a.scoreEdits, p.Slice(i, i+1), head, lo+i) // it fitted on the way forward
		r.eng.Softmax(row[:seen])
		clear(row[seen:])
	}
	if a.dProbs != nil {
		r.keepProbsGrad(w, a, head, lo, dOut)
	}
	r.eng.MatMulSerial(w.matmul, dp.view(), dOut.view(), v.matrix(), kernels.TransW)
	used := p
	if len(a.probEdits) > 0 {
		used = block(&w.edited, n, keys)
		used.copyRows(p)
		_ = a.edit(r, a.probEdits, used, head, lo)
		a.editBackward(r, a.probEdits, dp, head, lo)
	}
	if v.Grad != nil {
		r.eng.MatMulSerial(w.matmul, v.gradTensor().view(), used.transposed(), dOut.matrix(), kernels.Accumulate)
	}
	for i := range n {
		row, seen := dp.Row(i), a.visible(lo+i)
		r.eng.SoftmaxBackward(row[:seen], p.Row(i)[:seen])
		clear(row[seen:])
	}
	if a.dScores != nil {
		kept := a.kept(a.dScores, head, lo, n)
		for i := range n {
			copy(kept.Row(i), dp.Row(i)[:a.visible(lo+i)]) // what is not seen stays 0
		}
	}
	a.editBackward(r, a.scoreEdits, dp, head, lo)
	for i := range n {
		r.eng.Scale(dp.Row(i), dp.Row(i), scale)
	}
	if q.Grad != nil {
		r.eng.MatMulSerial(w.matmul, q.gradTensor().view(), dp.view(), k.matrix(), kernels.Accumulate)
	}
	if k.Grad != nil {
		r.eng.MatMulSerial(w.matmul, k.gradTensor().view(), dp.transposed(), q.matrix(), kernels.Accumulate)
	}
}

// keepProbsGrad computes the gradient of a block's probabilities for the hooks. Those of keys that a query does not see have
// one too: how the result would change if it looked there.
func (r *Run) keepProbsGrad(w *attentionScratch, a *attention, head, lo int, dOut Tensor) {
	d := dOut.Cols
	kvHead := head / (a.heads / a.kv.KVHeads)
	keep := a.kept(a.dProbs, head, lo, dOut.Rows)
	r.eng.MatMulSerial(w.matmul, keep.view(), dOut.view(), a.kv.V[0].Columns(kvHead*d, (kvHead+1)*d).matrix(), kernels.TransW)
}
