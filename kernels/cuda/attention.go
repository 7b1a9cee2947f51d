//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

// A query is scored against all keys that it sees, and what follows reads true rows of probabilities: whoever looks sees what is computed.

// mostScores bounds the scratch of an attention: floats of scores that are held at once, 128 MiB. Tests make it smaller.
var mostScores = 32 << 20

// Blocks of queries of a backward are those of the CPU: how rows are cut decides the sign of a gradient that is 0.
const (
	queryBlock  = 192
	blockScores = 2 << 20
)

// softmaxArgs is struct Softmax of the kernels.
type softmaxArgs struct {
	x, probs                address
	row, head               int64
	rows, cols, first, more int32
	scale                   float32
	unused                  int32
}

// attending is an attention's part while it is computed. d.mu is held, but while an inspector looks.
type attending struct {
	*Device
	a            *kernels.Attention
	p            *kernels.AttentionPart
	width, group int
	scale        float32

	scores address // (heads, queries, stride)
	stride int
	back   address // of a backward: gradients of the same shape
	edited address // and probabilities after changes
}

// attending checks a part.
func (d *Device) attending(a *kernels.Attention, p *kernels.AttentionPart) (*attending, error) {
	if a.KVHeads <= 0 || a.Heads%a.KVHeads != 0 || p.Q.Cols%a.Heads != 0 {
		return nil, fmt.Errorf("cuda: %d query heads in %d columns cannot read %d key heads", a.Heads, p.Q.Cols, a.KVHeads)
	}
	t := &d.attention
	if a.Stages != 0 { // others may compute while an inspector looks
		t = new(attending)
	}
	*t = attending{Device: d, a: a, p: p, width: p.Q.Cols / a.Heads, group: a.Heads / a.KVHeads}
	for i := range p.K {
		if p.K[i].Cols != t.width*a.KVHeads || p.V[i].Cols != t.width*a.KVHeads || p.V[i].Rows != p.K[i].Rows {
			return nil, fmt.Errorf("cuda: page %d of keys is (%d, %d) and of values (%d, %d); %d heads of %d columns are asked for", i, p.K[i].Rows, p.K[i].Cols, p.V[i].Rows, p.V[i].Cols, a.KVHeads, t.width)
		}
	}
	if keys := p.Visible(p.Q.Rows - 1); keys > p.Keys() || p.First < 1 {
		return nil, fmt.Errorf("cuda: queries see %d to %d keys of %d", p.First, keys, p.Keys())
	}
	t.scale = float32(1 / math.Sqrt(float64(t.width)))
	return t, nil
}

// Attend computes an attention.
func (d *Device) Attend(a *kernels.Attention) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range a.Parts {
		p := &a.Parts[i]
		if p.Q.Rows == 0 || a.From >= a.To {
			continue
		}
		t, err := d.attending(a, p)
		if err != nil {
			return err
		}
		if err := t.forward(); err != nil {
			return err
		}
	}
	return d.err
}

// forward computes a part: as many heads and queries at a time as the scratch holds.
func (t *attending) forward() error {
	inspected := t.a.Stages&(kernels.Scores|kernels.Probs) != 0
	keys := t.p.Visible(t.p.Q.Rows - 1)
	n := max(1, min(t.p.Q.Rows, mostScores/keys))
	heads := max(1, mostScores/(n*keys))
	if inspected {
		heads = 1
	}
	t.stride = keys
	floats := min(heads, t.a.To-t.a.From) * n * keys
	if inspected { // others may compute while it looks
		private, err := t.ctx.alloc(4 * uint64(floats))
		if err != nil {
			return err
		}
		defer t.release(private)
		t.scores = private
	} else {
		t.scores = t.grow(scratchScores, 4*floats)
	}
	for lo := 0; lo < t.p.Q.Rows; lo += n {
		hi := min(lo+n, t.p.Q.Rows)
		for from := t.a.From; from < t.a.To; {
			to := min(from+heads, t.a.To)
			if in := from % t.group; in != 0 || to-from < t.group { // within one group, or whole groups
				to = min(to, from-in+t.group)
			} else {
				to -= (to - from) % t.group
			}
			if err := t.heads(from, to, lo, hi); err != nil {
				return err
			}
			from = to
		}
	}
	return nil
}

// release gives private memory back.
func (t *attending) release(p address) {
	if t.err == nil {
		t.fail(t.ctx.free(p))
	}
}

// heads computes heads [from, to) of queries [lo, hi).
func (t *attending) heads(from, to, lo, hi int) error {
	keys, d, n := t.p.Visible(hi-1), int64(t.width), hi-lo
	kv := from / t.group
	count, share := to-from, t.group
	q, qRow := t.array(t.p.Q)
	q += 4 * address(int64(lo)*qRow+int64(from)*d)
	out, outRow := t.array(t.p.Out)
	out += 4 * address(int64(lo)*outRow+int64(from)*d)
	// Of one query the heads of a group are rows that read the same keys.
	rows, qBatch, scoreBatch := n, d, int64(n*t.stride)
	if n == 1 && from%t.group == 0 && count%t.group == 0 {
		rows, count, share = t.group, count/t.group, 1
		qRow, outRow = d, d
		qBatch, scoreBatch = int64(t.group)*d, int64(t.group*t.stride)
	}
	eachPage(t.p.K, keys, func(page kernels.Array, at, n int) {
		k, kRow := t.array(page)
		t.byRows(productArgs{
			dst: t.scores + 4*address(at), x: q, w: k + 4*address(int64(kv)*d),
			dstRow: int64(t.stride), xRow: qRow, wRow: kRow, dstBatch: scoreBatch, xBatch: qBatch, wBatch: d,
			rows: int32(rows), cols: int32(n), steps: int32(d), wShare: int32(share),
		}, "f32", count)
	})
	if err := t.probabilities(to-from, from, lo, hi, 0); err != nil {
		return err
	}
	if t.a.Stages&kernels.Probs != 0 {
		if _, err := t.inspect(kernels.Probs, t.scores, from, lo, n, keys); err != nil {
			return err
		}
	}
	eachPage(t.p.V, keys, func(page kernels.Array, at, n int) {
		v, vRow := t.array(page)
		a := productArgs{
			dst: out, x: t.scores + 4*address(at), w: v + 4*address(int64(kv)*d),
			dstRow: outRow, xRow: int64(t.stride), wRow: vRow, dstBatch: qBatch, xBatch: scoreBatch, wBatch: d,
			rows: int32(rows), cols: int32(d), steps: int32(n), wShare: int32(share),
		}
		if at > 0 {
			a.accumulate = 1
		}
		if at+n == keys { // the sign of a zero does not tell how queries were cut into blocks
			a.plusZero = 1
		}
		t.plain(a, "f32", count)
	})
	return t.err
}

// probabilities makes scores of some heads probabilities, and shows the inspector the scores before.
func (t *attending) probabilities(heads, from, lo, hi int, again kernels.AttentionStages) error {
	n, keys := hi-lo, t.p.Visible(hi-1)
	scale := t.scale
	if t.a.Stages&kernels.Scores != 0 {
		t.scaleRows(t.scores, n, keys)
		scale = 1
		if _, err := t.inspect(kernels.Scores|again, t.scores, from, lo, n, keys); err != nil {
			return err
		}
	}
	launch(t.Device, "softmax", [3]int{n, heads, 1}, rowBlock, softmaxArgs{
		x: t.scores, row: int64(t.stride), head: int64(n * t.stride), rows: int32(n), cols: int32(keys),
		first: int32(t.p.Visible(lo)), more: int32(t.p.More), scale: scale,
	})
	return nil
}

// scaleRows multiplies rows of one head by the softmax scale.
func (t *attending) scaleRows(at address, n, keys int) {
	a := elementsArgs{rows: int32(n), cols: int32(keys), scale: t.scale}
	a.to[0], a.toRow[0], a.of[0], a.ofRow[0] = at, int64(t.stride), at, int64(t.stride)
	launch(t.Device, "scale", flat(n*keys), flatThreads, a)
}

// eachPage calls f with the part of each page that holds some of keys [0, keys): where they begin, and how many they are.
func eachPage(pages []kernels.Array, keys int, f func(page kernels.Array, at, n int)) {
	for i, at := 0, 0; i < len(pages) && at < keys; i++ {
		n := min(pages[i].Rows, keys-at)
		if n > 0 {
			f(pages[i], at, n)
		}
		at += n
	}
}
