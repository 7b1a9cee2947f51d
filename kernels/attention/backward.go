package attention

import (
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// Backward adds the gradients of an attention's parts. The probabilities are not kept on the way forward: they are computed again,
// a block at a time, which costs one product of four. It goes through the query heads of one key head one after the other, and
// through the blocks of queries of each, in order: the gradients of keys and values, to which all of them add, do not depend on
// threads.
func Backward(eng *kernels.Engine, a *kernels.Attention) error {
	j := &job{eng: eng, a: a}
	for i := range a.Parts {
		p := &a.Parts[i]
		group, size := a.Heads/a.KVHeads, blockOf(p)
		eng.For((a.To-a.From)/group, 1, func(lo, hi int) {
			w := scratches.Get().(*scratch)
			defer scratches.Put(w)
			for head := a.From + lo*group; head < a.From+hi*group; head++ {
				for q := 0; q < p.Q.Rows; q += size {
					b := block{eng: eng, a: a, p: p, w: w, head: head, lo: q, hi: min(q+size, p.Q.Rows)}
					j.fail(b.backward())
				}
			}
		})
	}
	return j.err
}

// backward is the backward of forward. With P the probabilities, dP = dO Vᵀ and dS = P (dP - Σ P dP):
// dV += Pᵀ dO, dQ += scale dS K, dK += scale dSᵀ Q. The inspector makes its changes again, and goes through them backward.
func (b *block) backward() error {
	eng, w, n, keys := b.eng, b.w, b.hi-b.lo, b.keys()
	q, dOut := b.queries(b.p.Q), b.queries(b.p.DOut)
	k, v := b.group(b.p.K[0]), b.group(b.p.V[0])
	p := rowsOf(&w.rows, n, keys)

	eng.MatMulSerial(w.matmul, p.View(), q.View(), k.Slice(0, keys).Weight(), kernels.TransW)
	if err := b.probabilities(p); err != nil {
		return err
	}
	used := p
	if b.inspects(kernels.Probs) {
		used = rowsOf(&w.edited, n, keys)
		copy(used.Data, p.Data)
		if _, err := b.inspect(kernels.Probs, used); err != nil {
			return err
		}
	}
	dp, err := b.probsGrad(dOut, v)
	if err != nil {
		return err
	}
	if dv := b.group(b.p.DV); dv.Data != nil {
		eng.MatMulSerial(w.matmul, dv.Slice(0, keys).View(), used.Transposed(), dOut.Weight(), kernels.Accumulate)
	}
	for i := range n {
		row, seen := dp.Row(i), b.p.Visible(b.lo+i)
		eng.SoftmaxBackward(row[:seen], p.Row(i)[:seen])
		clear(row[seen:])
	}
	if b.inspects(kernels.ScoresGrad) {
		if _, err := b.inspect(kernels.ScoresGrad, dp); err != nil {
			return err
		}
	}
	for i := range n {
		eng.Scale(dp.Row(i), dp.Row(i), b.scale())
	}
	if dq := b.queries(b.p.DQ); dq.Data != nil {
		eng.MatMulSerial(w.matmul, dq.View(), dp.View(), k.Slice(0, keys).Weight(), kernels.Accumulate)
	}
	if dk := b.group(b.p.DK); dk.Data != nil {
		eng.MatMulSerial(w.matmul, dk.Slice(0, keys).View(), dp.Transposed(), q.Weight(), kernels.Accumulate)
	}
	return nil
}

// probsGrad is the gradient of the probabilities, (queries, keys), of the keys that the block needs. An inspector is shown that of
// all keys.
func (b *block) probsGrad(dOut, v host.Matrix) (host.Matrix, error) {
	keys, all := b.keys(), b.keys()
	inspected := b.inspects(kernels.ProbsGrad)
	if inspected {
		all = v.Rows
	}
	dp := rowsOf(&b.w.back, dOut.Rows, all)
	b.eng.MatMulSerial(b.w.matmul, dp.View(), dOut.View(), v.Slice(0, all).Weight(), kernels.TransW)
	if inspected {
		if _, err := b.inspect(kernels.ProbsGrad, dp); err != nil {
			return dp, err
		}
	}
	return dp.Columns(0, keys), nil
}
