package tensor

import (
	"fmt"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
)

// Attention of many queries by panels. A panel is as many queries as the kernels' panels have columns; each query is a column of the
// scores, (keys, queries), and of the result. The scores of a panel fit into the second-level cache. Keys and values are packed once
// for all queries; scores and probabilities need no packing, since the kernels write panels. The bits are those of attendBlock.

// packedFloats bounds the packed keys and values: 32 MiB, or one key head where that alone is more. Tests make it smaller.
var packedFloats = 8 << 20

// packedHead is one key head's keys, (rows, head_dim), and values transposed, (head_dim, rows), of each page.
type packedHead struct{ k, v []kernels.Tiles }

// zeros are as many as a row of a panel has, or more.
var zeros [64]float32

// packedMemory is that of packed heads, used again.
var packedMemory = sync.Pool{New: func() any { return new([]float32) }}

// attendPanels computes heads [from, to), packing a few key heads after the other.
func (r *Run) attendPanels(j *attentionJob, from, to int) {
	a := &j.attention
	group := a.heads / a.kv.KVHeads
	memory := packedMemory.Get().(*[]float32)
	defer packedMemory.Put(memory)
	step := group * max(1, packedFloats/max(r.packedSize(a), 1))
	for end := from; from < to; from = end {
		end = min(from/group*group+step, to)
		j.attendBlocks(from, end, r.eng.PanelCols(), r.packHeads(a, memory, from/group, (end+group-1)/group))
	}
}

// packedSize is how many numbers a packed key head has.
func (r *Run) packedSize(a *attention) int {
	n, d := 0, a.q.Cols/a.heads
	for _, page := range a.kv.K {
		n += r.eng.TileRows(page.Rows)*d + r.eng.TileRows(d)*page.Rows
	}
	return n
}

// packHeads packs key heads [from, to) into memory.
func (r *Run) packHeads(a *attention, memory *[]float32, from, to int) []packedHead {
	d, pages, size := a.q.Cols/a.heads, len(a.kv.K), r.packedSize(a)
	floats := block(memory, to-from, size).Data
	out := make([]packedHead, to-from)
	type piece struct {
		to   *kernels.Tiles
		data []float32
		x    kernels.View
	}
	var pieces []piece
	cut := func(rows, k int) []float32 {
		n := r.eng.TileRows(rows) * k
		data := floats[:n]
		floats = floats[n:]
		return data
	}
	for i := range out {
		out[i] = packedHead{make([]kernels.Tiles, pages), make([]kernels.Tiles, pages)}
		lo, hi := (from+i)*d, (from+i+1)*d
		for j := range pages {
			k, v := a.kv.K[j].Columns(lo, hi).view(), a.kv.V[j].Columns(lo, hi).transposed()
			pieces = append(pieces, piece{&out[i].k[j], cut(k.Rows, k.Cols), k}, piece{&out[i].v[j], cut(v.Rows, v.Cols), v})
		}
	}
	r.eng.For(len(pieces), 1, func(lo, hi int) {
		for _, p := range pieces[lo:hi] {
			*p.to = r.eng.PackTiles(p.data, p.x)
		}
	})
	return out
}

// attendPanel is attendBlock for queries [lo, hi), as many as a panel has columns at most.
func (r *Run) attendPanel(w *attentionScratch, a *attention, packed packedHead, head, lo, hi int) error {
	d, nr := a.q.Cols/a.heads, r.eng.PanelCols()
	n, keys := hi-lo, a.visible(hi-1)
	q := block(&w.q, d, nr)
	r.eng.PackPanel(q.Data, a.q.Slice(lo, hi).Columns(head*d, (head+1)*d).view())
	s := block(&w.rows, r.eng.TileRows(keys)+nr, nr) // a page's last tile may end beyond it
	eachPage(a.kv.K, keys, func(i, from, to int) {
		r.eng.MulPanel(s.Data[from*nr:], packed.k[i], to-from, d, q.Data, false)
	})
	p := s.Slice(0, keys)
	scale := attnScale(d)
	if a.scores != nil || len(a.scoreEdits) > 0 {
		r.eng.Scale(p.Data, p.Data, scale)
		scale = 1
		if err := r.lookAt(w, a, a.scores, a.scoreEdits, p, head, lo, n, negInf); err != nil {
			return fmt.Errorf("intervention at %s: %w", a.scoresAt, err)
		}
	}
	for j := a.visible(lo); j < keys; j++ {
		for i := 0; a.visible(lo+i) <= j; i++ {
			p.Data[j*nr+i] = negInf
		}
	}
	r.eng.SoftmaxColumns(p.Data, scale)
	if a.probs != nil || len(a.probEdits) > 0 {
		if err := r.lookAt(w, a, a.probs, a.probEdits, p, head, lo, n, 0); err != nil {
			return fmt.Errorf("intervention at %s: %w", a.probsAt, err)
		}
	}
	out := block(&w.out, r.eng.TileRows(d), nr)
	eachPage(a.kv.V, keys, func(i, from, to int) {
		r.eng.MulPanel(out.Data, packed.v[i], d, to-from, p.Data[from*nr:], from > 0)
	})
	for i := range d {
		r.eng.Add(out.Row(i), out.Row(i), zeros[:nr]) // see attendBlock
	}
	r.eng.UnpackPanel(a.out.Slice(lo, hi).Columns(head*d, (head+1)*d).view(), out.Data)
	return nil
}

// lookAt edits a panel of n queries' scores or probabilities, as rows, and leaves these in keep for the hooks, with hidden where a
// query does not see a key.
func (r *Run) lookAt(w *attentionScratch, a *attention, keep []float32, edits []Edit, p Tensor, head, lo, n int, hidden float32) error {
	var rows Tensor
	if keep != nil {
		rows = a.kept(keep, head, lo, n).Columns(0, p.Rows)
	} else {
		rows = block(&w.looked, n, p.Rows)
	}
	r.eng.UnpackPanel(rows.view(), p.Data)
	if len(edits) > 0 {
		if err := a.edit(r, edits, rows, head, lo); err != nil {
			return err
		}
		r.eng.PackPanel(p.Data, rows.view())
	}
	if keep != nil {
		a.hide(a.kept(keep, head, lo, n), lo, hidden)
	}
	return nil
}
