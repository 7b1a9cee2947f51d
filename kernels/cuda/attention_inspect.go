//go:build cuda && linux && cgo

package cuda

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// inspected computes a part that an inspector looks into: a head after the other, as many queries at a time as the scratch holds. The device
// is free for others while it looks, so that scores are in memory of their own, and the table is sent up again if it has changed.
func (t *attending) inspected() error {
	if len(t.parts) == 0 {
		return t.err
	}
	t.p = &t.a.Parts[0]
	t.stride = int(t.parts[0].stride)
	queries := t.p.Q.Rows
	n := max(1, min(queries, mostScores/t.stride))
	private, err := t.alloc(4 * uint64(n*t.stride))
	if err != nil {
		return err
	}
	defer t.release(private)
	t.scores = private
	for head := t.a.From; head < t.a.To; head++ {
		for lo := 0; lo < queries; lo += n {
			if err := t.inspectedRows(head, lo, min(lo+n, queries)); err != nil {
				return err
			}
		}
	}
	return t.err
}

// inspectedRows computes queries [lo, hi) of a head.
func (t *attending) inspectedRows(head, lo, hi int) error {
	n, keys := hi-lo, t.p.Visible(hi-1)
	a := t.args(t.scores, 0, head, 1, lo, hi)
	grid := t.grid(&a, 1, 1)
	t.scoresOf(a, grid)
	if t.a.Stages&kernels.Scores != 0 {
		t.scaleRows(t.scores, n, keys)
		a.scale = 1
		if _, err := t.inspect(kernels.Scores, t.scores, head, lo, n, keys); err != nil {
			return err
		}
		a.parts, a.pages = t.upload()
	}
	t.softmaxOf(a, grid)
	if t.a.Stages&kernels.Probs != 0 {
		if _, err := t.inspect(kernels.Probs, t.scores, head, lo, n, keys); err != nil {
			return err
		}
		a.parts, a.pages = t.upload()
	}
	t.valuesOf(a, grid)
	return t.err
}

// scaleRows multiplies rows of one head by the softmax scale.
func (t *attending) scaleRows(at address, n, keys int) {
	a := elementsArgs{rows: int32(n), cols: int32(keys), scale: t.scale}
	a.to[0], a.toRow[0], a.of[0], a.ofRow[0] = at, int64(t.stride), at, int64(t.stride)
	launch(t.Device, "scale", flat(n*keys), flatThreads, a)
}

// inspect shows the inspector n rows of a head, from query lo on, and computes on with what it made of them. The device is free for others
// meanwhile.
func (t *attending) inspect(at kernels.AttentionStages, rows address, head, lo, n, keys int) (changed bool, err error) {
	host := make([]float32, n*keys)
	dense := t.grow(scratchCopy, 4*len(host))
	t.copyRows(dense, int64(keys), rows, int64(t.stride), n, keys)
	if t.err == nil {
		t.down(unsafe.Pointer(&host[0]), dense, 4*len(host))
	}
	if t.err != nil {
		return false, t.err
	}
	t.mu.Unlock()
	changed, err = t.a.Inspect.Inspect(at, head, lo, kernels.HostArray(n, keys, host))
	t.mu.Lock()
	if err == nil {
		err = t.err
	}
	if err != nil || !changed {
		return false, err
	}
	dense = t.grow(scratchCopy, 4*len(host))
	if t.err == nil {
		t.up(dense, unsafe.Pointer(&host[0]), 4*len(host))
	}
	t.copyRows(rows, int64(t.stride), dense, int64(keys), n, keys)
	return true, t.err
}
