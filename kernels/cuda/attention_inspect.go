//go:build cuda && linux && cgo

package cuda

import (
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

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
