package attribution

import (
	"context"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// DefaultSteps is how many points the path of Integrated has.
const DefaultSteps = 32

// integrated is integrated gradients (Sundararajan, Taly and Yan, arXiv 1703.01365): with x the pixels and b the baseline,
// (x - b) times the mean of the target's gradient over the path from b to x, summed over the pixels of each patch. The mean
// is over the midpoints of o.Steps equal parts of the path. The values add up to the target at x minus the target at b, but
// for the error of so few steps, which is Sum.Remainder.
func integrated(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	steps := o.Steps
	if steps == 0 {
		steps = DefaultSteps
	}
	if steps < 0 {
		return nil, &option.Error{Field: "attribution.Options.Steps", Value: steps, Want: "give a number above 0"}
	}
	base, err := baselinePixels(p, o.Baseline, m.Processor)
	if err != nil {
		return nil, err
	}
	runs := passes(p)
	var names []string
	var sums [][]float64 // of gradients
	for _, run := range runs {
		names = append(names, run.pixels)
		sums = append(sums, make([]float64, len(run.Pixels.Floats())))
	}
	for s := range steps {
		at := withPixels(p, between(base, pixelsOf(p), (float64(s)+0.5)/float64(steps)))
		got, err := collect(ctx, m, at, o.Target, names...)
		if err != nil {
			return nil, err
		}
		for n, name := range names {
			for i, g := range got["d/"+name].Data {
				sums[n][i] += float64(g)
			}
		}
		o.passed(s+1, steps+1) // both ends of the path together count as one
	}
	var values [][]float64
	for n, run := range runs {
		values = append(values, pathProducts(run.Pixels.Floats(), base[n], sums[n], float64(steps), run.Pixels.Cols))
	}
	out := newMap(p, m.Config.Vision.SpatialMergeSize, 1, values)
	out.Unit = targetUnit(*o.Target)
	from, err := Value(ctx, m, withPixels(p, base), *o.Target)
	if err != nil {
		return nil, err
	}
	to, err := Value(ctx, m, p, *o.Target)
	if err != nil {
		return nil, err
	}
	out.close(from, to)
	return out, nil
}

// between is the point at a part of the way from a to b.
func between(a, b [][]float32, part float64) [][]float32 {
	for n := range b {
		for i := range b[n] {
			from := float64(a[n][i])
			b[n][i] = float32(from + float64(part*(float64(b[n][i])-from)))
		}
	}
	return b
}

// pathProducts is Σ (x - b)·sum/steps over each patch of cols pixels.
func pathProducts(x, b []float32, sum []float64, steps float64, cols int) []float64 {
	out := make([]float64, len(x)/cols)
	for i := range x {
		out[i/cols] += float64((float64(x[i]) - float64(b[i])) * sum[i] / steps)
	}
	return out
}
