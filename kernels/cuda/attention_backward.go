//go:build cuda && linux && cgo

package cuda

import (
	"errors"

	"github.com/loupe-vl/loupe/kernels"
)

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

// AttendBackward computes the gradients of an attention's parts. The probabilities are computed again, a block of queries at a time. The
// heads of a group, and their blocks, go one after the other, since they add to the same gradients of keys and values; groups go side by
// side.
func (d *Device) AttendBackward(a *kernels.Attention) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.attending(a)
	if err != nil {
		return err
	}
	for i := range a.Parts {
		t.p = &a.Parts[i]
		if t.p.Q.Rows == 0 || a.From >= a.To {
			continue
		}
		if len(t.p.K) != 1 {
			return errors.New("cuda: gradients go through attention without a cache only")
		}
		if err := t.check(t.p); err != nil {
			return err
		}
		if a.From%t.group != 0 || a.To%t.group != 0 {
			return errors.New("cuda: a backward of attention takes whole groups of heads")
		}
		if err := t.backward(); err != nil {
			return err
		}
	}
	return d.err
}

// backward computes the gradients of a part.
func (t *attending) backward() error {
	t.stride = t.p.Keys()
	size := max(1, min(queryBlock, blockScores/t.stride))
	groups, stages := max(1, mostScores/(size*t.stride)), t.a.Stages
	if stages != 0 {
		groups = 1
	}
	groups = min(groups, (t.a.To-t.a.From)/t.group)
	floats := groups * min(size, t.p.Q.Rows) * t.stride
	if stages != 0 { // others may compute while an inspector looks
		private, err := t.alloc(3 * 4 * uint64(floats))
		if err != nil {
			return err
		}
		defer t.release(private)
		t.scores, t.back, t.edited = private, private+4*address(floats), private+8*address(floats)
	} else {
		t.scores, t.back = t.grow(scratchScores, 4*floats), t.grow(scratchBack, 4*floats)
	}
	for kv := t.a.From / t.group; kv < t.a.To/t.group; kv += groups {
		n := min(groups, t.a.To/t.group-kv)
		for member := range t.group {
			for lo := 0; lo < t.p.Q.Rows; lo += size {
				if err := t.block(kv, n, member, lo, min(lo+size, t.p.Q.Rows)); err != nil {
					return err
				}
			}
		}
	}
	return t.err
}

// of is where the columns of a head begin, from row lo on, and the distance of rows; 0 for an empty array.
func (t *attending) of(a kernels.Array, lo, head int) (at address, row int64) {
	if a.Buffer.None() {
		return 0, 0
	}
	at, row = t.array(a)
	return at + 4*address(int64(lo)*row+int64(head)*int64(t.width)), row
}

// block is the backward of queries [lo, hi) of one member of each of n groups from kv on. With P the probabilities, dP = dO Vᵀ and
// dS = P (dP - Σ P dP): dV += Pᵀ dO, dQ += scale dS K, dK += scale dSᵀ Q.
func (t *attending) block(kv, n, member, lo, hi int) error {
	rows, keys, d, stages := hi-lo, t.p.Visible(hi-1), int64(t.width), t.a.Stages
	head := kv*t.group + member
	q, qRow := t.of(t.p.Q, lo, head)
	dOut, dOutRow := t.of(t.p.DOut, lo, head)
	k, kRow := t.of(t.p.K[0], 0, kv)
	v, vRow := t.of(t.p.V[0], 0, kv)
	queries, square := int64(t.group)*d, int64(rows*t.stride)
	byRows := productArgs{
		dst: t.scores, x: q, w: k, dstRow: int64(t.stride), xRow: qRow, wRow: kRow,
		dstBatch: square, xBatch: queries, wBatch: d, rows: int32(rows), cols: int32(keys), steps: int32(d), wShare: 1,
	}
	t.byRows(byRows, "f32", n)
	if err := t.probabilities(n, head, lo, hi); err != nil {
		return err
	}
	used := t.scores
	if stages&kernels.Probs != 0 {
		used = t.edited
		t.copyRows(used, int64(t.stride), t.scores, int64(t.stride), rows, keys)
		if _, err := t.inspect(kernels.Probs|kernels.Again, used, head, lo, rows, keys); err != nil {
			return err
		}
	}

	all := keys
	if stages&kernels.ProbsGrad != 0 {
		all = t.stride
	}
	byRows.dst, byRows.x, byRows.xRow, byRows.w, byRows.wRow, byRows.cols = t.back, dOut, dOutRow, v, vRow, int32(all)
	t.byRows(byRows, "f32", n)
	if stages&kernels.ProbsGrad != 0 {
		if _, err := t.inspect(kernels.ProbsGrad, t.back, head, lo, rows, all); err != nil {
			return err
		}
	}
	across := productArgs{
		xStep: int64(t.stride), dstBatch: d, xBatch: square, wBatch: queries,
		rows: int32(keys), cols: int32(d), steps: int32(rows), wShare: 1, accumulate: 1,
	}
	if dV, row := t.of(t.p.DV, 0, kv); dV != 0 {
		across.dst, across.dstRow, across.x, across.w, across.wRow = dV, row, used, dOut, dOutRow
		t.tiles(acrossNames, across, n)
	}

	scale := t.scale
	if stages&kernels.ScoresGrad != 0 {
		scale = 1
	}
	launch(t.Device, "softmax_backward", [3]int{rows, n, 1}, rowBlock, softmaxArgs{
		x: t.back, probs: t.scores, row: int64(t.stride), head: square, rows: int32(rows), cols: int32(keys),
		first: int32(t.p.Visible(lo)), more: int32(t.p.More), scale: scale,
	})
	if stages&kernels.ScoresGrad != 0 {
		if _, err := t.inspect(kernels.ScoresGrad, t.back, head, lo, rows, keys); err != nil {
			return err
		}
		t.scaleRows(t.back, rows, keys)
	}
	if dQ, row := t.of(t.p.DQ, lo, head); dQ != 0 {
		t.plain(productArgs{
			dst: dQ, x: t.back, w: k, dstRow: row, xRow: int64(t.stride), wRow: kRow,
			dstBatch: queries, xBatch: square, wBatch: d, rows: int32(rows), cols: int32(d), steps: int32(keys), wShare: 1, accumulate: 1,
		}, "f32", n)
	}
	if dK, row := t.of(t.p.DK, 0, kv); dK != 0 {
		across.dst, across.dstRow, across.x, across.w, across.wRow = dK, row, t.back, q, qRow
		t.tiles(acrossNames, across, n)
	}
	return t.err
}

// probabilities makes scores of some heads probabilities, and shows the inspector the scores before.
func (t *attending) probabilities(heads, from, lo, hi int) error {
	n, keys := hi-lo, t.p.Visible(hi-1)
	scale := t.scale
	if t.a.Stages&kernels.Scores != 0 {
		t.scaleRows(t.scores, n, keys)
		scale = 1
		if _, err := t.inspect(kernels.Scores|kernels.Again, t.scores, from, lo, n, keys); err != nil {
			return err
		}
	}
	launch(t.Device, "softmax", [3]int{n, heads, 1}, rowBlock, softmaxArgs{
		x: t.scores, row: int64(t.stride), head: int64(n * t.stride), rows: int32(n), cols: int32(keys),
		first: int32(t.p.Visible(lo)), more: int32(t.p.More), scale: scale,
	})
	return nil
}
