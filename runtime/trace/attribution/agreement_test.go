package attribution

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// TestAgreement: of four queries two look most at key 1 in the first head, three at key 3 in the second.
func TestAgreement(t *testing.T) {
	eng, err := kernels.New(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	one := func(rows [][2]int) loupe.Tap { // by row, the coordinate that is set in each head
		tap := loupe.Tap{Shape: []int{len(rows), 8}, Data: make([]float32, 8*len(rows))}
		for i, r := range rows {
			tap.Data[8*i+r[0]], tap.Data[8*i+4+r[1]] = 4, 4
		}
		return tap
	}
	q := one([][2]int{{1, 3}, {0, 3}, {1, 3}, {2, 0}})
	k := one([][2]int{{0, 0}, {1, 1}, {2, 2}, {3, 3}})
	a := newAttention(eng, q, k, 2, 2, false)
	for _, c := range []struct {
		heads []int
		want  float64
	}{{[]int{0}, 0.5}, {[]int{1}, 0.75}} {
		if got := a.agreement(c.heads); got != c.want {
			t.Errorf("heads %v: %v, want %v", c.heads, got, c.want)
		}
	}
	if got := a.agreement(nil); got < 0.25 || got > 0.75 {
		t.Errorf("of the mean over heads: %v", got)
	}
}
