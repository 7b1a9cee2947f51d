package tensor

import (
	"context"
	"strings"
	"testing"
)

// batchOf is so many sequences of different lengths, as one q and a KV each.
func batchOf(heads, kvHeads, dim int, rows, keys []int) (q Tensor, kv []KV, alone []problem) {
	n := 0
	for _, r := range rows {
		n += r
	}
	q = Of(n, heads*dim, make([]float32, n*heads*dim))
	at := 0
	for i, r := range rows {
		p := newProblem(newSource(uint64(100+i)), heads, kvHeads, dim, r, keys[i])
		for row := range r {
			copy(q.Row(at+row), p.q.Row(row))
		}
		at += r
		half := keys[i] / 2
		kv, alone = append(kv, p.cut(half, keys[i]-half)), append(alone, p)
	}
	return q, kv, alone
}

// TestCausalBatch: each sequence of a batch has the bits that it has alone, for any threads, whether it has one row, several, or so
// many that it goes by panels, and whether somebody looks.
func TestCausalBatch(t *testing.T) {
	const heads, kvHeads = 6, 2
	rows, keys := []int{1, 1, 5, 0, 1, 70, 3, 1}, []int{2, 300, 9, 4, 1000, 90, 3, 1}
	q, kv, alone := batchOf(heads, kvHeads, 8, rows, keys)
	for _, threads := range []int{1, 2, 5} {
		for _, hooks := range []Hooks{nil, &watcher{}} {
			r := NewRun(context.Background(), device(t, threads), new(Arena), hooks)
			got := r.CausalBatch(decoder, q, heads, kv, rows)
			at := 0
			for i, n := range rows {
				if n > 0 {
					want := newRun(t, nil).Causal(decoder, alone[i].q, heads, kv[i])
					if !sameBits(got.Slice(at, at+n).Clone().Data.Host(), want.Data.Host()) {
						t.Errorf("%d threads, looked at: %v: sequence %d has other bits than alone", threads, hooks != nil, i)
					}
				}
				at += n
			}
			if r.Err() != nil {
				t.Error(r.Err())
			}
		}
	}
}

// TestCausalBatchChecksHeads: keys of another width are refused by name, in place of being read across heads.
func TestCausalBatchChecksHeads(t *testing.T) {
	q, kv, _ := batchOf(4, 2, 8, []int{1, 1}, []int{3, 3})
	kv[1].KVHeads = 3
	r := newRun(t, nil)
	r.CausalBatch(decoder, q, 4, kv, []int{1, 1})
	if r.Err() == nil || !strings.Contains(r.Err().Error(), "layers.0.self_attn") {
		t.Errorf("the error is %v", r.Err())
	}
}
