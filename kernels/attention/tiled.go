package attention

import (
	"math"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/host"
)

// Attention of many queries by panels. A panel is as many queries as the kernels' panels have columns; each query is a column of the
// scores, (keys, queries), and of the result. The scores of a panel fit into the second-level cache. Keys and values are packed once
// for all queries; scores and probabilities need no packing, since the kernels write panels. The bits are those of forward by rows.

// packedFloats bounds the packed keys and values: 32 MiB, or one key head where that alone is more. Tests make it smaller.
var packedFloats = 8 << 20

// packedHead is one key head's keys, (rows, head_dim), and values transposed, (head_dim, rows), of each page.
type packedHead struct{ k, v []kernels.Tiles }

// zeros are as many as a row of a panel has, or more.
var zeros [64]float32

var negInf = float32(math.Inf(-1))

// packedMemory is that of packed heads, used again.
var packedMemory = sync.Pool{New: func() any { return new([]float32) }}

// tiled computes the heads of a part, packing a few key heads after the other.
func (j *job) tiled(p *kernels.AttentionPart) {
	a, nr := j.a, j.eng.PanelCols()
	group, panels := a.Heads/a.KVHeads, (p.Q.Rows+nr-1)/nr
	memory := packedMemory.Get().(*[]float32)
	defer packedMemory.Put(memory)
	step := group * max(1, packedFloats/max(packedSize(j.eng, p, p.Q.Cols/a.Heads), 1))
	for from, end := a.From, 0; from < a.To; from = end {
		end = min(from/group*group+step, a.To)
		packed := j.pack(p, memory, from/group, (end+group-1)/group)
		j.eng.For((end-from)*panels, 1, func(lo, hi int) {
			w := scratches.Get().(*scratch)
			defer scratches.Put(w)
			for i := lo; i < hi; i++ {
				head, q := from+i/panels, i%panels*nr
				b := block{eng: j.eng, a: a, p: p, w: w, head: head, lo: q, hi: min(q+nr, p.Q.Rows)}
				j.fail(b.panel(packed[head/group-from/group]))
			}
		})
	}
}

// packedSize is how many numbers a packed key head has.
func packedSize(eng *kernels.Engine, p *kernels.AttentionPart, d int) int {
	n := 0
	for _, page := range p.K {
		n += eng.TileRows(page.Rows)*d + eng.TileRows(d)*page.Rows
	}
	return n
}

// pack packs key heads [from, to) into memory.
func (j *job) pack(p *kernels.AttentionPart, memory *[]float32, from, to int) []packedHead {
	eng, d, pages := j.eng, p.Q.Cols/j.a.Heads, len(p.K)
	floats := rowsOf(memory, to-from, packedSize(eng, p, d)).Data
	out := make([]packedHead, to-from)
	type piece struct {
		to   *kernels.Tiles
		data []float32
		x    kernels.View
	}
	var pieces []piece
	cut := func(rows, k int) []float32 {
		n := eng.TileRows(rows) * k
		data := floats[:n]
		floats = floats[n:]
		return data
	}
	for i := range out {
		out[i] = packedHead{make([]kernels.Tiles, pages), make([]kernels.Tiles, pages)}
		lo, hi := (from+i)*d, (from+i+1)*d
		for page := range pages {
			k, v := host.Of(p.K[page]).Columns(lo, hi).View(), host.Of(p.V[page]).Columns(lo, hi).Transposed()
			pieces = append(pieces, piece{&out[i].k[page], cut(k.Rows, k.Cols), k}, piece{&out[i].v[page], cut(v.Rows, v.Cols), v})
		}
	}
	eng.For(len(pieces), 1, func(lo, hi int) {
		for _, p := range pieces[lo:hi] {
			*p.to = eng.PackTiles(p.data, p.x)
		}
	})
	return out
}

// panel is forward for as many queries as a panel has columns at most.
func (b *block) panel(packed packedHead) error {
	eng, d, nr := b.eng, b.width(), b.eng.PanelCols()
	n, keys := b.hi-b.lo, b.keys()
	q := rowsOf(&b.w.q, d, nr)
	eng.PackPanel(q.Data, b.queries(b.p.Q).View())
	s := rowsOf(&b.w.rows, eng.TileRows(keys)+nr, nr) // a page's last tile may end beyond it
	eachPage(b.p.K, keys, func(i, from, to int) {
		eng.MulPanel(s.Data[from*nr:], packed.k[i], to-from, d, q.Data, false)
	})
	p, scale := s.Slice(0, keys), b.scale()
	if b.inspects(kernels.Scores) {
		eng.Scale(p.Data, p.Data, scale)
		scale = 1
		if err := b.inspectPanel(kernels.Scores, p, n); err != nil {
			return err
		}
	}
	for j := b.p.Visible(b.lo); j < keys; j++ {
		for i := 0; b.p.Visible(b.lo+i) <= j; i++ {
			p.Data[j*nr+i] = negInf
		}
	}
	eng.SoftmaxColumns(p.Data, scale)
	if b.inspects(kernels.Probs) {
		if err := b.inspectPanel(kernels.Probs, p, n); err != nil {
			return err
		}
	}
	out := rowsOf(&b.w.out, eng.TileRows(d), nr)
	eachPage(b.p.V, keys, func(i, from, to int) {
		eng.MulPanel(out.Data, packed.v[i], d, to-from, p.Data[from*nr:], from > 0)
	})
	for i := range d {
		eng.Add(out.Row(i), out.Row(i), zeros[:nr]) // see forward
	}
	eng.UnpackPanel(b.queries(b.p.Out).View(), out.Data)
	return nil
}

// inspectPanel shows a panel of n queries to the inspector, as rows.
func (b *block) inspectPanel(at kernels.AttentionStages, p host.Matrix, n int) error {
	rows := rowsOf(&b.w.looked, n, p.Rows)
	b.eng.UnpackPanel(rows.View(), p.Data)
	changed, err := b.inspect(at, rows)
	if changed && err == nil {
		b.eng.PackPanel(p.Data, rows.View())
	}
	return err
}
