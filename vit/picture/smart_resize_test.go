package picture

import (
	"fmt"
	"strings"
	"testing"
)

// TestSmartResize compares sizes with transformers' smart_resize: what is enlarged, shrunk, rounded half to even, and the
// ratio of 200 that is the last to be taken.
func TestSmartResize(t *testing.T) {
	refused := 0
	for _, c := range readResizeTable(t).Smart {
		t.Run(fmt.Sprintf("%dx%d within %d and %d", c.W, c.H, c.Min, c.Max), func(t *testing.T) {
			h, w, err := SmartResize(c.H, c.W, c.Factor, c.Min, c.Max)
			if c.Error != "" {
				refused++
				if err == nil || !strings.Contains(err.Error(), "crop it") {
					t.Errorf("the error is %v, the reference's %q", err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if [2]int{h, w} != c.To {
				t.Errorf("%d x %d high, want %v", w, h, c.To)
			}
		})
	}
	if refused == 0 {
		t.Error("the table holds no picture that the reference refuses")
	}
}

func TestSmartResizeRefusesNothing(t *testing.T) {
	for _, c := range [][3]int{{0, 5, 28}, {5, 0, 28}, {-1, 5, 28}, {5, 5, 0}} {
		if h, w, err := SmartResize(c[0], c[1], c[2], 3136, 1003520); err == nil {
			t.Errorf("%v: %d x %d without an error", c, w, h)
		}
	}
}
