package attribution

import (
	"context"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// occlusion is occlusion sensitivity (Zeiler and Fergus, arXiv 1311.2901). A window of o.Window x o.Window merged tokens
// moves over each frame by o.Stride, until it reaches the far edge. It is covered by the baseline, and its value is what
// the target loses. A cell's value is the mean over the windows that cover it. Each window costs a pass of the model.
func occlusion(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	size, stride := max(o.Window, 1), max(o.Stride, 1)
	if o.Window < 0 || o.Stride < 0 || stride > size {
		return nil, &option.Error{Field: "attribution.Options.Window", Value: o.Window, Fault: fmt.Sprintf("attribution.Options.Window is %d and attribution.Options.Stride %d", o.Window, o.Stride), Want: "give numbers above 0, the stride no more than the window, so that every part is covered"}
	}
	base, err := baselinePixels(p, o.Baseline, m.Processor)
	if err != nil {
		return nil, err
	}
	whole, err := Value(ctx, m, p, *o.Target)
	if err != nil {
		return nil, err
	}
	merge := m.Config.Vision.SpatialMergeSize
	panels, cells := layout(p, merge, merge)
	shown := pixelsOf(p)
	own := pixelsOf(p)
	at := withPixels(p, shown)
	first, done, all := 0, 0, 0
	for _, panel := range panels {
		all += len(starts(panel.Rows, size, stride)) * len(starts(panel.Cols, size, stride))
	}
	for _, panel := range panels {
		lost := make([]float64, len(panel.Values))
		times := make([]float64, len(panel.Values))
		for _, y := range starts(panel.Rows, size, stride) {
			for _, x := range starts(panel.Cols, size, stride) {
				inside := window(panel, y, x, size)
				for _, i := range inside {
					cover(shown, base, p, cells[first+i], merge)
				}
				v, err := Value(ctx, m, at, *o.Target)
				if err != nil {
					return nil, err
				}
				for _, i := range inside {
					cover(shown, own, p, cells[first+i], merge)
					lost[i] += whole - v
					times[i]++
				}
				done++
				o.passed(done, all)
			}
		}
		for i := range lost {
			panel.Values[i] = lost[i] / times[i]
		}
		first += len(panel.Values)
	}
	return &Map{Merge: merge, Panels: panels, Unit: targetUnit(*o.Target)}, nil
}

// starts are the offsets of windows along a side of n cells: 0, stride, ... up to the first window that reaches the far
// edge. None starts after that, so that both edges of a picture are covered by windows of the same size. If the stride does
// not divide the side evenly, the last window is cut, as in Captum's Occlusion.
func starts(n, size, stride int) (at []int) {
	for i := 0; ; i += stride {
		at = append(at, i)
		if i+size >= n {
			return at
		}
	}
}

// window lists the cells of a panel within a square whose upper left cell is (y, x).
func window(p Panel, y, x, size int) []int {
	var out []int
	for r := y; r < min(y+size, p.Rows); r++ {
		for c := x; c < min(x+size, p.Cols); c++ {
			out = append(out, r*p.Cols+c)
		}
	}
	return out
}
