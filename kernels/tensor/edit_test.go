package tensor

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEdit changes x = [[0 1 2 3] [4 5 6 7] [8 9 10 11]], two heads of width 2, by each kind of edit.
func TestEdit(t *testing.T) {
	for _, c := range []struct {
		name        string
		e           Edit
		first, rows int // FirstRow, PromptRows
		want        [][]float32
	}{
		{"zero", Edit{Op: Zero, Head: -1}, 0, 0, [][]float32{{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}},
		{"zero a head", Edit{Op: Zero, Head: 1}, 0, 0, [][]float32{{0, 1, 0, 0}, {4, 5, 0, 0}, {8, 9, 0, 0}}},
		{"zero head 0", Edit{Op: Zero, Head: 0}, 0, 0, [][]float32{{0, 0, 2, 3}, {0, 0, 6, 7}, {0, 0, 10, 11}}},
		{"zero rows", Edit{Op: Zero, Head: -1, Rows: []int{2, 0}}, 0, 0, [][]float32{{0, 0, 0, 0}, {4, 5, 6, 7}, {0, 0, 0, 0}}},
		{"zero a head of a row", Edit{Op: Zero, Head: 0, Rows: []int{1}}, 0, 0, [][]float32{{0, 1, 2, 3}, {0, 0, 6, 7}, {8, 9, 10, 11}}},
		{"zero the last row", Edit{Op: Zero, Head: -1, Rows: []int{-1}}, 0, 0, [][]float32{{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 0, 0, 0}}},
		{"zero the first from the end", Edit{Op: Zero, Head: -1, Rows: []int{-3}}, 0, 0, [][]float32{{0, 0, 0, 0}, {4, 5, 6, 7}, {8, 9, 10, 11}}},
		{"zero no rows", Edit{Op: Zero, Head: -1, Rows: []int{}}, 0, 0, [][]float32{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}}},
		{"scale", Edit{Op: Scale, Head: -1, Scale: 2}, 0, 0, [][]float32{{0, 2, 4, 6}, {8, 10, 12, 14}, {16, 18, 20, 22}}},
		{"scale a head of rows", Edit{Op: Scale, Head: 1, Scale: -1, Rows: []int{0, -1}}, 0, 0, [][]float32{{0, 1, -2, -3}, {4, 5, 6, 7}, {8, 9, -10, -11}}},
		{"add a row to all", Edit{Op: Add, Head: -1, Scale: 1, Value: []float32{10, 20, 30, 40}}, 0, 0, [][]float32{{10, 21, 32, 43}, {14, 25, 36, 47}, {18, 29, 40, 51}}},
		{"add a scaled row to a head", Edit{Op: Add, Head: 1, Scale: 0.5, Value: []float32{10, 20}}, 0, 0, [][]float32{{0, 1, 7, 13}, {4, 5, 11, 17}, {8, 9, 15, 21}}},
		{"add each its row", Edit{Op: Add, Head: 0, Scale: 1, Value: []float32{1, 2, 3, 4, 5, 6}}, 0, 0, [][]float32{{1, 3, 2, 3}, {7, 9, 6, 7}, {13, 15, 10, 11}}},
		{"set", Edit{Op: Set, Head: -1, Value: []float32{7, 7, 7, 7}}, 0, 0, [][]float32{{7, 7, 7, 7}, {7, 7, 7, 7}, {7, 7, 7, 7}}},
		{"set rows each to its own", Edit{Op: Set, Head: -1, Rows: []int{-1, 0}, Value: []float32{1, 1, 1, 1, 2, 2, 2, 2}}, 0, 0, [][]float32{{2, 2, 2, 2}, {4, 5, 6, 7}, {1, 1, 1, 1}}},
		{"set a head of a row", Edit{Op: Set, Head: 1, Rows: []int{1}, Value: []float32{-1, -2}}, 0, 0, [][]float32{{0, 1, 2, 3}, {4, 5, -1, -2}, {8, 9, 10, 11}}},
		{"mean", Edit{Op: Mean, Head: -1}, 0, 0, [][]float32{{4, 5, 6, 7}, {4, 5, 6, 7}, {4, 5, 6, 7}}},
		{"mean of a head in a row", Edit{Op: Mean, Head: 1, Rows: []int{0}}, 0, 0, [][]float32{{0, 1, 6, 7}, {4, 5, 6, 7}, {8, 9, 10, 11}}},
		{"rows count through the sequence", Edit{Op: Zero, Head: -1, Rows: []int{11, 3}}, 10, 20, [][]float32{{0, 1, 2, 3}, {0, 0, 0, 0}, {8, 9, 10, 11}}},
		{"negative rows count from the end of the prompt", Edit{Op: Zero, Head: -1, Rows: []int{-9, -1}}, 10, 20, [][]float32{{0, 1, 2, 3}, {0, 0, 0, 0}, {8, 9, 10, 11}}},
		{"a chunk takes its rows of the value", Edit{Op: Set, Head: 0, Rows: []int{2, 12}, Value: []float32{1, 1, 2, 2}}, 10, 20, [][]float32{{0, 1, 2, 3}, {4, 5, 6, 7}, {2, 2, 10, 11}}},
		{"set rows to theirs of the whole", Edit{Op: Set, Head: -1, Rows: []int{-1}, Value: []float32{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}}, 0, 0, [][]float32{{0, 1, 2, 3}, {4, 5, 6, 7}, {3, 3, 3, 3}}},
		{"set a head to its columns of the whole", Edit{Op: Set, Head: 1, Width: 4, Value: []float32{1, 2, 3, 4, 1, 2, 5, 6, 1, 2, 7, 8}}, 0, 0, [][]float32{{0, 1, 3, 4}, {4, 5, 5, 6}, {8, 9, 7, 8}}},
		{"a head of one row of the whole", Edit{Op: Add, Head: 1, Width: 4, Scale: 1, Value: []float32{0, 0, 1, 2}}, 0, 0, [][]float32{{0, 1, 3, 5}, {4, 5, 7, 9}, {8, 9, 11, 13}}},
		{"rows after the prompt have no value", Edit{Op: Set, Head: -1, Value: []float32{1, 1, 1, 1, 2, 2, 2, 2}}, 1, 2, [][]float32{{2, 2, 2, 2}, {4, 5, 6, 7}, {8, 9, 10, 11}}},
		{"one row is for those after the prompt too", Edit{Op: Add, Head: -1, Scale: 1, Value: []float32{1, 1, 1, 1}}, 2, 2, [][]float32{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}},
		{"a generated row", Edit{Op: Zero, Head: -1, Rows: []int{22}}, 20, 20, [][]float32{{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 0, 0, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRun(t, nil)
			r.FirstRow, r.PromptRows = c.first, c.rows
			wide := newSource(3).tensor(3, 9) // edits must stay within the view that they are given
			before := wide.Clone()
			x := wide.Columns(2, 6)
			for i := range 3 {
				copy(x.Row(i), counting(3, 4).Row(i))
				copy(before.Row(i)[2:], counting(3, 4).Row(i))
			}
			r.Edit(At("m", "heads"), c.e, x, 2)
			if r.Err() != nil {
				t.Fatal(r.Err())
			}
			if diff := cmp.Diff(c.want, rowsOf(x)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			for i := range 3 {
				if !sameBits(wide.Row(i)[:2], before.Row(i)[:2]) || !sameBits(wide.Row(i)[6:], before.Row(i)[6:]) {
					t.Errorf("row %d was changed outside the view", i)
				}
			}
		})
	}
}

// TestEditErrors: an edit that does not fit fails the run, says where and why, and changes nothing.
func TestEditErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		e     Edit
		heads int
		want  string
	}{
		{"head", Edit{Op: Zero, Head: 2}, 2, "head 2, but there are 2 heads"},
		{"head of a tensor without", Edit{Op: Zero, Head: 0}, 1, "head 0, but what passes there is not divided into heads"},
		{"row", Edit{Op: Zero, Head: -1, Rows: []int{0, 3}}, 2, "row 3, but there are 3 rows"},
		{"negative row", Edit{Op: Zero, Head: -1, Rows: []int{-4}}, 2, "row -4, but there are 3 rows"},
		{"value for add", Edit{Op: Add, Head: -1, Value: make([]float32, 5)}, 2, "the value holds 5 numbers; 4 (one row) or 12 (3 rows) fit"},
		{"value for set of rows", Edit{Op: Set, Head: -1, Rows: []int{0, 1}, Value: make([]float32, 16)}, 2, "the value holds 16 numbers; 4 (one row), 8 (2 rows) or 12 (3 rows) fit"},
		{"value for a head", Edit{Op: Set, Head: 0, Value: make([]float32, 4)}, 2, "the value holds 4 numbers; 2 (one row) or 6 (3 rows) fit"},
		{"no value", Edit{Op: Set, Head: -1}, 2, "the value holds 0 numbers"},
		{"width", Edit{Op: Set, Head: 0, Width: 3, Value: make([]float32, 9)}, 2, "the value's rows have 3 columns; 2 fit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, x := newRun(t, nil), counting(3, 4)
			r.Edit(At("m.1", "heads"), c.e, x, c.heads)
			if r.Err() == nil || !strings.Contains(r.Err().Error(), "m.1.heads") || !strings.Contains(r.Err().Error(), c.want) {
				t.Errorf("error is %v, want %q", r.Err(), c.want)
			}
			if !sameBits(x.Data.Host(), counting(3, 4).Data.Host()) {
				t.Errorf("the tensor was changed to %v", x.Data.Host())
			}
		})
	}
}

// TestEditsThatChangeNothing: scaling by 1 keeps every bit, those of zeros, denormals and infinities as well, and so does
// setting what is already there.
func TestEditsThatChangeNothing(t *testing.T) {
	x := newSource(4).tensor(3, 4)
	copy(x.Data.Host(), []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, float32(math.Inf(1)), math.MaxFloat32})
	for _, e := range []Edit{{Op: Scale, Head: -1, Scale: 1}, {Op: Scale, Head: 1, Scale: 1, Rows: []int{0, 1}}, {Op: Set, Head: -1, Value: x.Clone().Data.Host()}} {
		r, got := newRun(t, nil), x.Clone()
		r.Edit(At("m", "out"), e, got, 2)
		if r.Err() != nil || !sameBits(got.Data.Host(), x.Data.Host()) {
			t.Errorf("%s: error %v, %v became %v", e.Op, r.Err(), x.Data.Host(), got.Data.Host())
		}
	}
}

// TestAddRoundsTheProduct: scale*value is rounded before it is added, on machines that could fuse the two as well.
func TestAddRoundsTheProduct(t *testing.T) {
	v, s := float32(1+0x1p-12), float32(1+0x1p-13)
	product := v * s                                           // without the last term of 1 + 2^-12 + 2^-13 + 2^-25
	want, fused := product-1, float32(float64(v)*float64(s)-1) // the fused sum keeps it
	if want == fused {
		t.Fatal("the test tests nothing")
	}
	r, x := newRun(t, nil), Of(1, 1, []float32{-1})
	if r.Edit(At("m", "out"), Edit{Op: Add, Head: -1, Scale: s, Value: []float32{v}}, x, 1); x.Data.Host()[0] != want {
		t.Errorf("got %x, want %x", x.Data.Host()[0], want)
	}
}

// TestTapEditsInOrder: a point's edits are made one after the other before the hooks see a copy.
func TestTapEditsInOrder(t *testing.T) {
	w := &watcher{edits: map[string][]Edit{"m.out": {
		{Op: Add, Head: -1, Scale: 1, Value: []float32{1, 1, 1, 1}}, {Op: Scale, Head: -1, Scale: 3}, {Op: Zero, Head: 1, Rows: []int{2}},
	}}}
	r, x := newRun(t, w), counting(3, 4)
	if out := r.TapHeads(At("m", "out"), x, 2); start(out.Data.Host()) != start(x.Data.Host()) {
		t.Error("edits are not in place")
	}
	want := []float32{3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0}
	if got := w.saw["m.out"]; !slices.Equal(got.data, want) || !slices.Equal(got.shape, []int{3, 4}) || start(got.data) == start(x.Data.Host()) {
		t.Errorf("the hooks saw %v of shape %v, want %v in memory of its own", got.data, got.shape, want)
	}
}

func TestEditOpNames(t *testing.T) {
	var got []string
	for op := Zero; op <= Mean; op++ {
		got = append(got, op.String())
	}
	if diff := cmp.Diff([]string{"zero", "scale", "add", "set", "mean"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPointNames(t *testing.T) {
	for _, c := range []struct {
		p    Point
		want string
	}{
		{At("visual.blocks.7", "attn").Sub("probs"), "visual.blocks.7.attn.probs"},
		{Point{Module: "visual.blocks.7", Name: "attn.probs", Index: 2}, "visual.blocks.7.attn.probs.2"},
		{At("pixel_values", ""), "pixel_values"},
	} {
		if got := c.p.String(); got != c.want {
			t.Errorf("%+v is %s, want %s", c.p, got, c.want)
		}
	}
}
