package tensor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rowsOf(t Tensor) [][]float32 {
	out := [][]float32{}
	for i := range t.Rows {
		out = append(out, append([]float32{}, t.Row(i)...))
	}
	return out
}

func TestViews(t *testing.T) {
	x := counting(3, 4)
	for _, c := range []struct {
		name  string
		got   Tensor
		dense bool
		want  [][]float32
	}{
		{"rows", x.Slice(1, 3), true, [][]float32{{4, 5, 6, 7}, {8, 9, 10, 11}}},
		{"no rows", x.Slice(2, 2), true, [][]float32{}},
		{"columns", x.Columns(1, 3), false, [][]float32{{1, 2}, {5, 6}, {9, 10}}},
		{"the last column", x.Columns(3, 4), false, [][]float32{{3}, {7}, {11}}},
		{"rows of columns", x.Columns(2, 4).Slice(1, 3), false, [][]float32{{6, 7}, {10, 11}}},
		{"columns of rows", x.Slice(1, 3).Columns(2, 4), false, [][]float32{{6, 7}, {10, 11}}},
		{"one row of columns", x.Columns(2, 4).Slice(1, 2), true, [][]float32{{6, 7}}},
		{"columns of no rows", x.Slice(1, 1).Columns(1, 2), true, [][]float32{}},
		{"other rows", x.Reshape(2, 6), true, [][]float32{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rowsOf(c.got)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if c.got.Rows > 0 && c.got.Dense() != c.dense {
				t.Errorf("Dense is %v", c.got.Dense())
			}
			clone := c.got.Clone()
			if diff := cmp.Diff(c.want, rowsOf(clone)); diff != "" || !clone.Dense() {
				t.Errorf("clone, dense %v (-want +got):\n%s", clone.Dense(), diff)
			}
			if c.got.Rows > 0 && start(clone.Data.Host()) == start(c.got.Data.Host()) {
				t.Error("the clone shares memory")
			}
		})
	}
}

// TestNoColumns: the part of a page of keys that no query sees yet.
func TestNoColumns(t *testing.T) {
	if got := counting(3, 4).Columns(2, 2); got.Rows != 3 || got.Cols != 0 || !got.Data.None() {
		t.Errorf("got %+v", got)
	}
}
