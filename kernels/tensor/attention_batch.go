package tensor

import "sync"

// CausalBatch is Causal for several sequences at once: the first rows[0] rows of q belong to kv[0], the next rows[1] to
// kv[1] and so on. Each row of the result is that of Causal on its sequence alone. There is no gradient.
//
// The sequences of few rows, which decoding has, are one job over (sequence, head). Those of many rows have work enough for
// all threads and go one after the other, and so do all where hooks ask for scores.
func (r *Run) CausalBatch(at Point, q Tensor, heads int, kv []KV, rows []int) Tensor {
	out := r.New(q.Rows, q.Cols)
	if r.Err() != nil {
		return out
	}
	j := batchJobs.Get().(*batchJob)
	from := 0
	for i, n := range rows {
		a := attention{
			heads: heads, q: q.Slice(from, from+n), kv: kv[i], out: out.Slice(from, from+n), index: -1,
			first: kv[i].Len() - n + 1, more: 1,
		}
		from += n
		switch {
		case n == 0:
		case r.hooks != nil || r.dry || n >= r.eng.PanelCols():
			r.attend(at, a)
		default:
			r.checkHeads(at, &a)
			j.each = append(j.each, a)
		}
	}
	if len(j.each) > 0 && r.Err() == nil {
		j.r, j.heads = r, heads
		r.eng.For(len(j.each)*heads, 1, j.run)
	}
	clear(j.each) // the pool keeps no sequence's memory
	j.each, j.r = j.each[:0], nil
	batchJobs.Put(j)
	return r.TapHeads(at.named("heads"), out, heads)
}

// batchJob is the attention of several sequences, handed to the pool. It is kept for the next one.
type batchJob struct {
	each  []attention
	heads int // of each of them
	r     *Run
	mu    sync.Mutex
	run   func(lo, hi int) // some, made once
}

var batchJobs = sync.Pool{New: func() any {
	j := new(batchJob)
	j.run = j.some
	return j
}}

// some computes pieces [lo, hi), of which each sequence has one for each head.
func (j *batchJob) some(lo, hi int) {
	w := attentionWork.Get().(*attentionScratch)
	defer attentionWork.Put(w)
	for i := lo; i < hi; i++ {
		a, size := &j.each[i/j.heads], j.each[i/j.heads].block()
		for first := 0; first < a.q.Rows; first += size {
			if err := j.r.attendBlock(w, a, i%j.heads, first, min(first+size, a.q.Rows)); err != nil {
				j.mu.Lock()
				j.r.Fail(err)
				j.mu.Unlock()
			}
		}
	}
}
