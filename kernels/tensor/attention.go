package tensor

import (
	"fmt"
	"math"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// Span is a run of rows [Start, End) that attend to each other only: an image, or a pair of video frames. Index is its
// number among all spans of the request and ends the name of its tap, "attn.probs.2".
type Span struct{ Start, End, Index int }

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

// Bounds of the scratch of attention by blocks of queries, and of its backward. Each worker has a scratch of its own.
const (
	queryBlock  = 192     // the most queries that are scored together
	blockScores = 2 << 20 // the most scores of a block: with many keys a block has fewer queries
	valueBlock  = 2048    // keys whose values are gathered at a time
)

// block is how many queries are scored together.
func (a *attention) block() int { return max(1, min(queryBlock, blockScores/max(1, a.kv.Len()))) }

// attnScale is the softmax scale of the reference, head_dim^-0.5.
func attnScale(headDim int) float32 { return float32(1 / math.Sqrt(float64(headDim))) }

// Within is attention inside each span: q, (rows, heads*head_dim), against the keys and values of the same rows. Taps
// below at: scores.J (after the scale), probs.J and heads, (heads, queries, keys) for span J.
func (r *Run) Within(at Point, q Tensor, heads int, kv KV, spans []Span) Tensor {
	return r.TapHeads(at.named("heads"), r.WithinUntapped(at, q, heads, kv, spans), heads)
}

// WithinUntapped is Within but for the tap heads of the result, which the caller passes once its rows stand as they should.
func (r *Run) WithinUntapped(at Point, q Tensor, heads int, kv KV, spans []Span) Tensor {
	out, known := r.attentionResult(q, kv)
	for _, s := range spans {
		part := KV{K: []Tensor{kv.K[0].Slice(s.Start, s.End)}, V: []Tensor{kv.V[0].Slice(s.Start, s.End)}, KVHeads: kv.KVHeads}
		r.attend(at, attention{
			heads: heads, q: q.Slice(s.Start, s.End), kv: part, out: out.Slice(s.Start, s.End), known: known, index: s.Index,
			first: part.Len(),
		})
	}
	return out
}

// Causal is attention to the past: the last row of q, (rows, heads*head_dim), sees all keys of kv, the row before it one
// less. Query head h reads key head h/(heads/kv_heads) (grouped queries, Ainslie et al., arXiv 2305.13245).
func (r *Run) Causal(at Point, q Tensor, heads int, kv KV) Tensor {
	out, known := r.attentionResult(q, kv)
	r.attend(at, attention{heads: heads, q: q, kv: kv, out: out, known: known, index: -1, first: kv.Len() - q.Rows + 1, more: 1})
	return r.TapHeads(at.named("heads"), out, heads)
}

// named is the point beside p: "self_attn" and "probs" give "self_attn.probs".
func (p Point) named(name string) Point { return p.Sub(name) }

// attention is one call: every (head, block of queries) is computed independently of the others, so that no result
// depends on threads, on the size of a block or on how the sequence was cut into chunks.
type attention struct {
	heads  int
	q, out Tensor
	kv     KV
	known  bool // out holds the result already: see Run.product
	index  int  // J of the tap names; -1: none
	// Query 0 sees keys [0, first), and each query more keys than the one before it.
	first, more int

	scoresAt, probsAt     Point
	scoreEdits, probEdits []Edit
	// What the hooks get, (some heads, queries, keys) from head firstHead on; nil where they do not want them.
	scores, probs   []float32
	dScores, dProbs []float32 // their gradients
	firstHead       int
}

// visible is how many keys a query sees.
func (a *attention) visible(query int) int { return a.first + a.more*query }

// attentionJob is an attention, handed to the pool. It is kept for the next one, unless its gradient is due: decoding allocates
// nothing.
type attentionJob struct {
	attention
	r            *Run
	from         int          // the head of the first block
	size, blocks int          // of queries of a head
	packed       []packedHead // key heads from that of from on, where blocks are panels; nil: they are rows
	mu           sync.Mutex
	run          func(lo, hi int) // blocks, made once
}

var attentionJobs = sync.Pool{New: newAttentionJob}

func newAttentionJob() any {
	j := new(attentionJob)
	j.run = j.each
	return j
}

// each computes blocks [lo, hi) of the heads from j.from on.
func (j *attentionJob) each(lo, hi int) {
	w := attentionWork.Get().(*attentionScratch)
	defer attentionWork.Put(w)
	for i := lo; i < hi; i++ {
		if err := j.one(w, j.from+i/j.blocks, i%j.blocks*j.size); err != nil {
			j.mu.Lock()
			j.r.Fail(err)
			j.mu.Unlock()
		}
	}
}

// one computes a head's block whose first query is lo.
func (j *attentionJob) one(w *attentionScratch, head, lo int) error {
	hi := min(lo+j.size, j.q.Rows)
	if j.packed == nil {
		return j.r.attendBlock(w, &j.attention, head, lo, hi)
	}
	group := j.heads / j.kv.KVHeads
	return j.r.attendPanel(w, &j.attention, j.packed[head/group-j.from/group], head, lo, hi)
}

// attendBlocks computes heads [from, to), each in blocks of so many queries.
func (j *attentionJob) attendBlocks(from, to, size int, packed []packedHead) {
	j.from, j.size, j.blocks, j.packed = from, size, (j.q.Rows+size-1)/size, packed
	j.r.eng.For((to-from)*j.blocks, 1, j.run)
}

// attend computes an attention, whose taps are below at.
func (r *Run) attend(at Point, what attention) {
	j := attentionJobs.Get().(*attentionJob)
	j.attention, j.r = what, r
	r.attendAs(at, j)
	if j.out.Grad == nil {
		j.attention, j.r, j.packed = attention{}, nil, nil
		attentionJobs.Put(j)
	}
}

// attendAs is attend with the job that the attention has become.
func (r *Run) attendAs(at Point, j *attentionJob) {
	a := &j.attention
	if r.Err() != nil {
		return
	}
	if r.checkHeads(at, a); r.Err() != nil {
		return
	}
	scores, probs := at.named("scores"), at.named("probs")
	scores.Index, probs.Index = a.index, a.index
	scores.Pass, probs.Pass = r.Pass, r.Pass
	a.scoresAt, a.probsAt = scores, probs
	defer r.recordAttention(a, scores, probs)
	var wantScores, wantProbs bool
	if r.hooks != nil {
		a.scoreEdits, a.probEdits = r.hooks.Edits(scores), r.hooks.Edits(probs)
		wantScores, wantProbs = r.wants(scores, a.shape()), r.wants(probs, a.shape())
	}
	if r.dry || a.known {
		return
	}
	if !wantScores && !wantProbs {
		r.attendHeads(j, a.heads)
		return
	}
	if parts, ok := r.hooks.(PartHooks); ok {
		group := r.headsInPart(a, 1)
		defer r.arena.Release(r.arena.Mark())
		a.scores, a.probs = r.partOf(wantScores, a, group), r.partOf(wantProbs, a, group)
		for ; a.firstHead < a.heads; a.firstHead += group {
			heads := min(group, a.heads-a.firstHead)
			r.attendHeads(j, heads)
			r.seePart(parts.SeePart, scores, a, a.scores, heads)
			r.seePart(parts.SeePart, probs, a, a.probs, heads)
		}
		return
	}
	size := a.heads * a.q.Rows * a.kv.Len()
	if wantScores {
		a.scores = make([]float32, size)
	}
	if wantProbs {
		a.probs = make([]float32, size)
	}
	r.attendHeads(j, a.heads)
	if wantScores {
		r.hooks.See(scores, a.shape(), a.scores)
	}
	if wantProbs {
		r.hooks.See(probs, a.shape(), a.probs)
	}
}

// checkHeads fails the run where the columns of queries and keys are not those of their heads.
func (r *Run) checkHeads(at Point, a *attention) {
	d := a.q.Cols / a.heads
	if a.heads%a.kv.KVHeads != 0 || a.kv.K[0].Cols != d*a.kv.KVHeads {
		r.Fail(fmt.Errorf("%s: %d query heads of %d columns cannot read %d key heads of %d columns in all", at, a.heads, d, a.kv.KVHeads, a.kv.K[0].Cols))
	}
}

// shape is that of the scores: (heads, queries, keys).
func (a *attention) shape() []int { return []int{a.heads, a.q.Rows, a.kv.Len()} }

// attendHeads computes heads of the heads from firstHead on.
func (r *Run) attendHeads(j *attentionJob, heads int) {
	if j.q.Rows >= r.eng.PanelCols() {
		r.attendPanels(j, j.firstHead, j.firstHead+heads)
		return
	}
	j.attendBlocks(j.firstHead, j.firstHead+heads, j.block(), nil)
}

// attentionScratch is what one worker needs for one block of queries.
type attentionScratch struct {
	matmul     *kernels.Scratch
	rows, back []float32 // of scores and probabilities, and of their gradients
	edited     []float32 // probabilities after edits, where their gradient needs those before as well
	q, out     []float32 // panels of queries and results
	looked     []float32 // a panel of scores or probabilities, as rows
}

// block is n rows of memory that *s keeps, each as long as keys. It grows by 256 numbers at least: every step of decoding sees one
// key more, and should not allocate for it.
func block(s *[]float32, n, keys int) Tensor {
	if cap(*s) < n*keys {
		*s = make([]float32, (n*keys+255)/256*256)
	}
	return Of(n, keys, (*s)[:n*keys])
}

var attentionWork = sync.Pool{New: func() any { return &attentionScratch{matmul: kernels.NewScratch()} }}

// attendBlock computes queries [lo, hi) of one head: scores = q·k for every visible key, probs = softmax(scores*scale),
// out = probs·v with the keys in order. Queries of a panel or more go by attendPanel.
func (r *Run) attendBlock(w *attentionScratch, a *attention, head, lo, hi int) error {
	d := a.q.Cols / a.heads
	kvHead := head / (a.heads / a.kv.KVHeads)
	n, keys := hi-lo, a.visible(hi-1) // the last row of a block sees the most
	p := block(&w.rows, n, keys)
	q := a.q.Slice(lo, hi).Columns(head*d, (head+1)*d)
	a.overPages(a.kv.K, keys, keys, func(page Tensor, from, to int) {
		k := page.Columns(kvHead*d, (kvHead+1)*d)
		r.eng.MatMulSerial(w.matmul, p.Columns(from, to).view(), q.view(), k.matrix(), kernels.TransW)
	})
	scale := attnScale(d)
	for i := range n {
		r.eng.Scale(p.Row(i), p.Row(i), scale)
	}
	if err := a.edit(r, a.scoreEdits, p, head, lo); err != nil {
		return fmt.Errorf("intervention at %s: %w", a.scoresAt, err)
	}
	a.keep(a.scores, p, head, lo, negInf)
	for i := range n {
		row := p.Row(i)
		seen := a.visible(lo + i)
		r.eng.Softmax(row[:seen])
		clear(row[seen:])
	}
	if err := a.edit(r, a.probEdits, p, head, lo); err != nil {
		return fmt.Errorf("intervention at %s: %w", a.probsAt, err)
	}
	a.keep(a.probs, p, head, lo, 0)
	out := a.out.Slice(lo, hi).Columns(head*d, (head+1)*d)
	form := kernels.Plain
	a.overPages(a.kv.V, keys, valueBlock, func(page Tensor, from, to int) {
		v := page.Columns(kvHead*d, (kvHead+1)*d)
		r.eng.MatMulSerial(w.matmul, out.view(), p.Columns(from, to).view(), v.matrix(), form)
		form = kernels.Accumulate
	})
	// A row's chain goes on over keys that it does not see, whose probability is 0. That can only turn -0 into +0; adding
	// +0 does so for every row, so that the sign does not tell how the queries were cut into blocks.
	for i := range n {
		row := out.Row(i)
		for c := range row {
			row[c] += 0
		}
	}
	return nil
}

// overPages calls f with the part of each page that holds keys [0, keys), at most so many at a time.
func (a *attention) overPages(pages []Tensor, keys, most int, f func(page Tensor, from, to int)) {
	eachPage(pages, keys, func(i, from, to int) {
		for at := from; at < to; at += most {
			end := min(at+most, to)
			f(pages[i].Slice(at-from, end-from), at, end)
		}
	})
}

// eachPage calls f with the number of each page that holds some of keys [0, keys), and which.
func eachPage(pages []Tensor, keys int, f func(i, from, to int)) {
	at := 0
	for i := 0; i < len(pages) && at < keys; i++ {
		end := min(at+pages[i].Rows, keys)
		f(i, at, end)
		at = end
	}
}

// keep copies a block of scores or probabilities for the hooks, with hidden where a query does not see a key.
func (a *attention) keep(to []float32, p Tensor, head, lo int, hidden float32) {
	if to == nil {
		return
	}
	rows := a.kept(to, head, lo, p.Rows)
	for i := range p.Rows {
		copy(rows.Row(i), p.Row(i)[:a.visible(lo+i)])
	}
	a.hide(rows, lo, hidden)
}

// kept is where the hooks keep the rows of n queries of a head, (n, keys).
func (a *attention) kept(to []float32, head, lo, n int) Tensor {
	keys := a.kv.Len()
	return Of(n, keys, to[((head-a.firstHead)*a.q.Rows+lo)*keys:][:n*keys])
}

// hide sets what the queries from lo on do not see, in rows of all keys.
func (a *attention) hide(rows Tensor, lo int, hidden float32) {
	for i := range rows.Rows {
		unseen := rows.Row(i)[a.visible(lo+i):]
		for j := range unseen {
			unseen[j] = hidden
		}
	}
}
