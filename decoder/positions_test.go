package decoder

import (
	"slices"
	"testing"
)

func TestRopeIndex(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		places []Placeholder
		want   Positions
		delta  int
	}{
		{"text", 3, nil, Positions{{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}, 0},
		{"empty", 0, nil, Positions{{}, {}, {}}, 0},
		{"a picture of 2 x 3 merged patches", 9, []Placeholder{{Start: 1, Grid: [3]int{1, 4, 6}}},
			Positions{{0, 1, 1, 1, 1, 1, 1, 4, 5}, {0, 1, 1, 1, 2, 2, 2, 4, 5}, {0, 1, 2, 3, 1, 2, 3, 4, 5}}, -3},
		{"a video of 2 frames", 4, []Placeholder{{Start: 1, Grid: [3]int{2, 2, 2}}},
			Positions{{0, 1, 2, 2}, {0, 1, 1, 2}, {0, 1, 1, 2}}, -1},
		// transformers' Qwen2_5_VLModel.get_rope_index gives these with second_per_grid_ts 2.5 and tokens_per_second 2.
		{"a video whose frames are 5 apart", 6, []Placeholder{{Start: 1, Grid: [3]int{3, 2, 2}, Times: []int{0, 5, 10}}},
			Positions{{0, 1, 6, 11, 2, 3}, {0, 1, 1, 1, 2, 3}, {0, 1, 1, 1, 2, 3}}, 6},
		{"pictures side by side", 2, []Placeholder{{Start: 0, Grid: [3]int{1, 2, 2}}, {Start: 1, Grid: [3]int{1, 2, 2}}},
			Positions{{0, 1}, {0, 1}, {0, 1}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, delta, err := RopeIndex(c.n, c.places, 2)
			if err != nil {
				t.Fatal(err)
			}
			for axis := range got {
				if !slices.Equal(got[axis], c.want[axis]) {
					t.Errorf("axis %d is %v, want %v", axis, got[axis], c.want[axis])
				}
			}
			if delta != c.delta {
				t.Errorf("delta is %d, want %d", delta, c.delta)
			}
		})
	}
	if _, _, err := RopeIndex(2, []Placeholder{{Start: 1, Grid: [3]int{1, 4, 4}}}, 2); err == nil {
		t.Error("a picture that does not fit is accepted")
	}
	if _, _, err := RopeIndex(4, []Placeholder{{Start: 0, Grid: [3]int{2, 2, 2}, Times: []int{0}}}, 2); err == nil {
		t.Error("a video of two frames with one time is accepted")
	}
}
