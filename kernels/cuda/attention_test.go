//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// attentionCase is one part of an attention, on the host.
type attentionCase struct {
	heads, kvHeads, width int
	queries               int
	pages                 []int // rows of each
	first, more           int
	values                int
	bound                 int // of scores held at once; 0: the device's own

	q, k, v, dOut, dq, dk, dv []float32
}

func (c *attentionCase) String() string {
	return fmt.Sprintf("%d heads over %d of %d columns, %d queries, pages %v, first %d, more %d, %s", c.heads, c.kvHeads, c.width, c.queries, c.pages, c.first, c.more, valueNames[c.values])
}

func (c *attentionCase) keys() (n int) {
	for _, p := range c.pages {
		n += p
	}
	return n
}

func (c *attentionCase) fill() {
	r := newDice(uint64(c.queries*31 + c.keys()))
	wide, narrow := c.heads*c.width, c.kvHeads*c.width
	c.q, c.k, c.v = r.floats(c.queries*wide, c.values), r.floats(c.keys()*narrow, c.values), r.floats(c.keys()*narrow, c.values)
	if c.values == nonFinite { // of values none, since what is not seen is multiplied by 0 in places
		c.v = r.floats(len(c.v), ordinary)
	}
	if c.values == canceling && c.width > 1 && c.keys() > 1 { // two columns of every score, and two keys of every sum
		for i := 0; i < len(c.q); i += c.width {
			c.q[i+1] = -c.q[i]
		}
		for i := 0; i < len(c.k); i += c.width {
			c.k[i+1] = c.k[i]
		}
		copy(c.k[narrow:2*narrow], c.k)
		for i := range narrow {
			c.v[narrow+i] = -c.v[i]
		}
	}
	c.dOut = r.floats(len(c.q), ordinary)
	c.dq, c.dk, c.dv = r.floats(len(c.q), denormal), r.floats(len(c.k), denormal), r.floats(len(c.v), denormal)
}

// columns is a window of columns of the rows of a matrix.
func columns(x []float32, row, rows, from, n int) kernels.View {
	if rows == 0 {
		return kernels.View{RowStride: row, ColStride: 1, Cols: n}
	}
	return kernels.View{Data: x[from:], Rows: rows, Cols: n, RowStride: row, ColStride: 1}
}

func weightOfView(v kernels.View) kernels.Matrix {
	return kernels.Matrix{Layout: kernels.F32, F32: v.Data[:(v.Rows-1)*v.RowStride+v.Cols], Rows: v.Rows, Cols: v.Cols, Stride: v.RowStride}
}

func transposed(v kernels.View) kernels.View {
	return kernels.View{Data: v.Data, Rows: v.Cols, Cols: v.Rows, RowStride: 1, ColStride: v.RowStride}
}

// plain is the attention and its gradients in plain Go: block by block of queries, as the processor's backward goes. look changes rows, if
// it is not nil.
func (c *attentionCase) plain(look func(at kernels.AttentionStages, head, query int, rows []float32)) (out, dq, dk, dv []float32) {
	wide, narrow, scale := c.heads*c.width, c.kvHeads*c.width, float32(1/math.Sqrt(float64(c.width)))
	out, dq, dk, dv = make([]float32, len(c.q)), slices.Clone(c.dq), slices.Clone(c.dk), slices.Clone(c.dv)
	size := max(1, min(queryBlock, blockScores/c.keys()))
	for head := range c.heads {
		kv := head / (c.heads / c.kvHeads) * c.width
		for lo := 0; lo < c.queries; lo += size {
			hi := min(lo+size, c.queries)
			n, keys := hi-lo, c.first+c.more*(hi-1)
			block := func(x []float32) kernels.View { return columns(x, wide, n, lo*wide+head*c.width, c.width) }
			k, v := columns(c.k, narrow, keys, kv, c.width), columns(c.v, narrow, keys, kv, c.width)
			p, dp := dense(n, keys, make([]float32, n*keys)), dense(n, keys, make([]float32, n*keys))
			reference.MatMul(p, block(c.q), weightOfView(k), kernels.TransW)
			for i := range p.Data {
				p.Data[i] *= scale
			}
			if look != nil {
				look(kernels.Scores, head, lo, p.Data)
			}
			for i := range n {
				row, seen := p.Data[i*keys:(i+1)*keys], c.first+c.more*(lo+i)
				vec.Softmax(row[:seen])
				clear(row[seen:])
			}
			used := dense(n, keys, slices.Clone(p.Data))
			if look != nil {
				look(kernels.Probs, head, lo, used.Data)
			}
			to := block(out)
			reference.MatMul(to, used, weightOfView(v), kernels.Plain)
			for i := range n {
				for j := range c.width {
					to.Data[i*wide+j] += 0
				}
			}
			if len(c.pages) > 1 {
				continue
			}
			reference.MatMul(dp, block(c.dOut), weightOfView(v), kernels.TransW)
			reference.MatMul(columns(dv, narrow, keys, kv, c.width), transposed(used), weightOfView(block(c.dOut)), kernels.Accumulate)
			for i := range n {
				row, seen := dp.Data[i*keys:(i+1)*keys], c.first+c.more*(lo+i)
				vec.SoftmaxBackward(row[:seen], p.Data[i*keys:][:seen])
				clear(row[seen:])
			}
			if look != nil {
				look(kernels.ScoresGrad, head, lo, dp.Data)
			}
			for i := range dp.Data {
				dp.Data[i] *= scale
			}
			reference.MatMul(block(dq), dp, weightOfView(k), kernels.Accumulate)
			reference.MatMul(columns(dk, narrow, keys, kv, c.width), transposed(dp), weightOfView(block(c.q)), kernels.Accumulate)
		}
	}
	return out, dq, dk, dv
}

// on is the attention on a device.
func (c *attentionCase) on(t testing.TB, d *Device) *kernels.Attention {
	wide, narrow := c.heads*c.width, c.kvHeads*c.width
	p := kernels.AttentionPart{
		Q: up(t, d, c.queries, wide, 3, c.q), Out: up(t, d, c.queries, wide, 0, nil), First: c.first, More: c.more,
		DOut: up(t, d, c.queries, wide, 0, c.dOut), DQ: up(t, d, c.queries, wide, 1, c.dq), DK: up(t, d, c.keys(), narrow, 0, c.dk), DV: up(t, d, c.keys(), narrow, 2, c.dv),
	}
	for i, at := 0, 0; i < len(c.pages); i++ {
		n := c.pages[i]
		p.K = append(p.K, up(t, d, n, narrow, 0, c.k[at*narrow:(at+n)*narrow]))
		p.V = append(p.V, up(t, d, n, narrow, 1, c.v[at*narrow:(at+n)*narrow]))
		at += n
	}
	return &kernels.Attention{Heads: c.heads, KVHeads: c.kvHeads, To: c.heads, Parts: []kernels.AttentionPart{p}}
}

func (c *attentionCase) check(t *testing.T, d *Device) {
	t.Helper()
	c.fill()
	if c.bound > 0 {
		defer func(n int) { mostScores = n }(mostScores)
		mostScores = c.bound
	}
	out, dq, dk, dv := c.plain(nil)
	a := c.on(t, d)
	if err := d.Attend(a); err != nil {
		t.Fatal(err)
	}
	same(t, c.String(), down(t, d, a.Parts[0].Out), out)
	if len(c.pages) > 1 {
		return
	}
	if err := d.AttendBackward(a); err != nil {
		t.Fatal(err)
	}
	same(t, c.String()+", dQ", down(t, d, a.Parts[0].DQ), dq)
	same(t, c.String()+", dK", down(t, d, a.Parts[0].DK), dk)
	same(t, c.String()+", dV", down(t, d, a.Parts[0].DV), dv)
}

func TestAttention(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for _, c := range []attentionCase{
			{heads: 1, kvHeads: 1, width: 4, queries: 1, pages: []int{1}, first: 1},
			{heads: 4, kvHeads: 2, width: 16, queries: 33, pages: []int{33}, first: 33},                             // a segment
			{heads: 4, kvHeads: 2, width: 20, queries: 40, pages: []int{40}, first: 1, more: 1, values: canceling},  // causal
			{heads: 6, kvHeads: 2, width: 8, queries: 1, pages: []int{16, 16, 9}, first: 37, values: canceling},     // decoding, on pages
			{heads: 6, kvHeads: 2, width: 8, queries: 5, pages: []int{16, 16, 9}, first: 30, more: 1},               // a chunk, on pages
			{heads: 2, kvHeads: 1, width: 8, queries: 34, pages: []int{50, 3}, first: 7, more: 1, values: denormal}, // and one of tiles
			{heads: 2, kvHeads: 2, width: 5, queries: 200, pages: []int{200}, first: 1, more: 1, values: canceling}, // two blocks of a backward
			{heads: 4, kvHeads: 2, width: 8, queries: 20, pages: []int{20}, first: 20, values: nonFinite},
			{heads: 6, kvHeads: 2, width: 8, queries: 40, pages: []int{40}, first: 1, more: 1, bound: 700},  // little scratch: a head, some queries
			{heads: 6, kvHeads: 2, width: 8, queries: 20, pages: []int{20}, first: 1, more: 1, bound: 1700}, // and parts of a group
			{heads: 6, kvHeads: 2, width: 8, queries: 1, pages: []int{20}, first: 20, bound: 50},
		} {
			c.check(t, d)
		}
	})
}

// TestAttentionHeads: some heads alone are the same bits, and the others are not written.
func TestAttentionHeads(t *testing.T) {
	d := open(t)
	c := attentionCase{heads: 6, kvHeads: 2, width: 8, queries: 7, pages: []int{7}, first: 1, more: 1}
	c.fill()
	want, _, _, _ := c.plain(nil)
	for _, r := range [][2]int{{0, 1}, {1, 5}, {2, 6}, {3, 6}} {
		a := c.on(t, d)
		d.Clear(a.Parts[0].Out)
		a.From, a.To = r[0], r[1]
		if err := d.Attend(a); err != nil {
			t.Fatal(err)
		}
		got := down(t, d, a.Parts[0].Out)
		for i, w := range want {
			if head := i % 48 / 8; head < r[0] || head >= r[1] {
				w = 0
			}
			if got[i] != w {
				t.Fatalf("heads %v: element %d is %v, want %v", r, i, got[i], w)
			}
		}
	}
}

// watcher is an inspector that changes some rows and keeps what it saw.
type watcher struct {
	mu     sync.Mutex
	seen   map[string][]float32
	device *Device
	stop   error
}

func (w *watcher) look(at kernels.AttentionStages, head, query int, rows []float32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen != nil {
		w.seen[fmt.Sprint(at, head, query)] = slices.Clone(rows)
	}
	if at&(kernels.Scores|kernels.Probs) != 0 && head == 1 {
		rows[0] += 0.5
	}
}

func (w *watcher) Inspect(at kernels.AttentionStages, head, query int, rows kernels.Array) (changed bool, err error) {
	if w.stop != nil {
		return false, w.stop
	}
	w.look(at, head, query, rows.Buffer.Host())
	_, err = w.device.Alloc(1) // the device is free meanwhile
	return at&(kernels.Scores|kernels.Probs) != 0 && head == 1, err
}

// TestAttentionInspected: an inspector sees the scores and probabilities that are computed with, and what it changes is; looking alone
// changes nothing.
func TestAttentionInspected(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		c := attentionCase{heads: 4, kvHeads: 2, width: 8, queries: 12, pages: []int{12}, first: 1, more: 1}
		c.fill()
		plain := &watcher{seen: map[string][]float32{}}
		out, dq, dk, dv := c.plain(plain.look)
		w := &watcher{device: d, seen: map[string][]float32{}}
		a := c.on(t, d)
		a.Inspect, a.Stages = w, kernels.Scores|kernels.Probs
		if err := d.Attend(a); err != nil {
			t.Fatal(err)
		}
		same(t, "changed on the way", down(t, d, a.Parts[0].Out), out)
		for at, rows := range w.seen {
			seen := plain.seen[at]
			for i := range rows { // beyond what a query sees scores are undefined
				if i%12 <= i/12 && differ(rows[i:i+1], seen[i:i+1]) >= 0 {
					t.Fatalf("at %s element %d is %v, want %v", at, i, rows[i], seen[i])
				}
			}
		}
		if len(w.seen) != 8 {
			t.Errorf("%d rows were shown, want 8", len(w.seen))
		}
		a.Stages, w.seen = kernels.Scores|kernels.Probs|kernels.ProbsGrad|kernels.ScoresGrad, map[string][]float32{}
		if err := d.AttendBackward(a); err != nil {
			t.Fatal(err)
		}
		p := a.Parts[0]
		same(t, "dQ", down(t, d, p.DQ), dq)
		same(t, "dK", down(t, d, p.DK), dk)
		same(t, "dV", down(t, d, p.DV), dv)
		for head := range 4 {
			at := fmt.Sprint(kernels.ScoresGrad, head, 0)
			same(t, "gradient of scores", w.seen[at], plain.seen[at])
		}
		w.stop = errors.New("enough")
		if err := d.Attend(a); !errors.Is(err, w.stop) {
			t.Errorf("an inspector's error became %v", err)
		}
	})
}

func TestAttentionRefusals(t *testing.T) {
	d := open(t)
	c := attentionCase{heads: 2, kvHeads: 1, width: 4, queries: 3, pages: []int{2, 1}, first: 1, more: 1}
	c.fill()
	for what, spoil := range map[string]func(a *kernels.Attention){
		"heads":     func(a *kernels.Attention) { a.KVHeads = 3 },
		"keys":      func(a *kernels.Attention) { a.Parts[0].First = 2 },
		"pages":     func(a *kernels.Attention) { a.Parts[0].V[1].Rows = 2 },
		"gradients": func(*kernels.Attention) {},
	} {
		a := c.on(t, d)
		spoil(a)
		err := d.AttendBackward(a)
		if what != "gradients" {
			err = d.Attend(a)
		}
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
