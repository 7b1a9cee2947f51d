package decoder

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

func TestCacheGrowsWithoutCopying(t *testing.T) {
	cfg := weights.TextConfig{HiddenSize: 8, NumAttentionHeads: 2, NumKeyValueHeads: 1, NumHiddenLayers: 1}
	c := NewCache(cfg)
	width, n := 4, 0
	var first *float32
	for _, step := range []int{1, pageRows - 2, 1, 3, pageRows, 1} {
		k, v := tensor.Of(step, width, make([]float32, step*width)), tensor.Of(step, width, make([]float32, step*width))
		for i := range step {
			k.Row(i)[0], v.Row(i)[0] = float32(n+i), -float32(n+i)
		}
		kv := c.extend(&Layer{}, k, v)
		c.commit(step)
		n += step
		if kv.Len() != n || c.Len() != n {
			t.Fatalf("the cache holds %d and %d positions, want %d", kv.Len(), c.Len(), n)
		}
		if first == nil {
			first = &kv.K[0].Data[0]
		}
		if first != &kv.K[0].Data[0] {
			t.Fatal("the past was copied")
		}
		at := 0
		for p := range kv.K {
			for i := range kv.K[p].Rows {
				if kv.K[p].Row(i)[0] != float32(at) || kv.V[p].Row(i)[0] != -float32(at) {
					t.Fatalf("position %d holds %v, %v", at, kv.K[p].Row(i)[0], kv.V[p].Row(i)[0])
				}
				at++
			}
		}
	}
}
