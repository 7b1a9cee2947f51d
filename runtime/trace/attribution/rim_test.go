package attribution

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRim(t *testing.T) {
	m := &Map{Panels: []Panel{
		{Rows: 3, Cols: 4, Values: []float64{
			1, 0, 0, 1,
			0, 8, 2, 0,
			1, 0, 0, 3}},
		{Rows: 1, Cols: 4, Values: []float64{2, 2, 2, 2}},
	}}
	got := m.Rim()
	want := Rim{Share: 14.0 / 24, Cells: 14.0 / 16, Most: 8 * 16.0 / 24, MostAt: Cell{0, 1, 1}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
		t.Errorf("rim (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		of   Cell
		want string
	}{{Cell{0, 1, 1}, "row 2, column 2"}, {Cell{1, 0, 3}, "row 1, column 4 of panel 2"}} {
		if got := c.of.String(); got != c.want {
			t.Errorf("%v is told as %q, want %q", [3]int{c.of.Panel, c.of.Row, c.of.Col}, got, c.want)
		}
	}
	if got := (&Map{Panels: []Panel{{Rows: 1, Cols: 2, Values: []float64{0, 0}}}}).Rim(); got.Share != 0 || got.Most != 0 {
		t.Errorf("a map of nothing has the rim %+v", got)
	}
}
