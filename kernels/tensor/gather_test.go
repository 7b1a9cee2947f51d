package tensor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
)

func TestGather(t *testing.T) {
	for _, layout := range []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16} {
		table, exact := newSource(80).weights(layout, 6, 5)
		r := newRun(t, nil)
		ids := []int{5, 0, 0, 3}
		got := r.Gather(table, kernels.Buffer{}, ids)
		want := [][]float32{}
		for _, id := range ids {
			row := []float32{}
			for _, v := range exact[id*5 : id*5+5] {
				row = append(row, float32(v))
			}
			want = append(want, row)
		}
		if diff := cmp.Diff(want, rowsOf(got)); diff != "" || r.Err() != nil {
			t.Errorf("%T: error %v, rows (-want +got):\n%s", layout, r.Err(), diff)
		}
	}
}

// TestGatherErrors: an id that the table lacks fails the run and names the id and its position in the sequence.
func TestGatherErrors(t *testing.T) {
	for _, c := range []struct {
		ids  []int
		want string
	}{
		{[]int{1, 6, 9}, "token id 6 at position 41 is not in the vocabulary of 6"},
		{[]int{-1}, "token id -1 at position 40 is not in the vocabulary of 6"},
	} {
		r := newRun(t, nil)
		r.FirstRow = 40
		out := r.Gather(counting(6, 5).matrix(), kernels.Buffer{}, c.ids)
		if r.Err() == nil || r.Err().Error() != c.want || out.Rows != len(c.ids) || out.Cols != 5 {
			t.Errorf("error is %v, want %q; shape (%d, %d)", r.Err(), c.want, out.Rows, out.Cols)
		}
	}
}

func TestPlace(t *testing.T) {
	r := newRun(t, nil)
	x := counting(4, 2)
	r.Place(x, []int{3, 1}, Of(2, 2, []float32{-1, -2, -3, -4}))
	if diff := cmp.Diff([][]float32{{0, 1}, {-3, -4}, {4, 5}, {-1, -2}}, rowsOf(x)); diff != "" || r.Err() != nil {
		t.Errorf("error %v, rows (-want +got):\n%s", r.Err(), diff)
	}
}

func TestPlaceErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		at   []int
		rows Tensor
	}{
		{"too few rows", []int{0, 1}, counting(1, 2)},
		{"too many rows", []int{0}, counting(2, 2)},
		{"another width", []int{0, 1}, counting(2, 3)},
	} {
		r, x := newRun(t, nil), counting(4, 2)
		r.Place(x, c.at, c.rows)
		if r.Err() == nil || !strings.Contains(r.Err().Error(), "placeholder tokens") || !sameBits(x.Data.Host(), counting(4, 2).Data.Host()) {
			t.Errorf("%s: error %v, rows %v", c.name, r.Err(), rowsOf(x))
		}
	}
}

func TestMeanRows(t *testing.T) {
	r := newRun(t, nil)
	got := r.MeanRows(counting(3, 4).Columns(1, 4))
	if diff := cmp.Diff([][]float32{{5, 6, 7}}, rowsOf(got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
