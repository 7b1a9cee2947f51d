package attribution

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"gonum.org/v1/gonum/stat"
)

// Curve is the target as more and more of a picture is deleted or inserted.
type Curve struct {
	Part  []float64 `json:"part"`  // of the cells, 0 to 1
	Value []float64 `json:"value"` // of the target
	Area  float64   `json:"area"`  // under the curve, by the trapezoid rule
}

// Faithfulness measures how well a map finds what the target rests on, by deletion and insertion (Petsiuk, Das and Saenko,
// RISE, arXiv 1806.07421). Deletion starts from the picture and covers the cells of the largest values first; a smaller
// area is better. Insertion starts from the baseline and uncovers them first; a larger area is better. The same curves with
// cells in random order stand beside it.
type Faithfulness struct {
	Target    string `json:"target"`
	Unit      string `json:"unit"`
	Cells     int    `json:"cells"`
	Deletion  Curve  `json:"deletion"`
	Insertion Curve  `json:"insertion"`
	Random    Random `json:"random"`
	// Margins are how much better the map is than random orders, relative to the difference between the target of the whole
	// picture and that of the baseline.
	DeletionMargin  float64 `json:"deletion_margin"`
	InsertionMargin float64 `json:"insertion_margin"`
	// Note says why the numbers mean nothing: the map is constant, or the target does not depend on the pictures.
	Note string `json:"note,omitempty"`
}

// Random is the mean of the curves of random orders, and the standard deviation of their areas.
type Random struct {
	Orders      int     `json:"orders"`
	Deletion    Curve   `json:"deletion"`
	Insertion   Curve   `json:"insertion"`
	DeletionSD  float64 `json:"deletion_sd"` // 0 of a single order
	InsertionSD float64 `json:"insertion_sd"`
}

// What MeasureOptions leave open.
const (
	DefaultCurveSteps = 20 // or the number of cells where that is less
	DefaultOrders     = 5
)

// MeasureOptions say how faithfulness is measured. The zero value works.
type MeasureOptions struct {
	Target   *loupe.GradTarget // as Options.Target
	Baseline Baseline          // ""; Mean
	Steps    int               // points of a curve after the first; 0: DefaultCurveSteps
	Orders   int               // random orders; 0: DefaultOrders
	Seed     uint64            // of the random orders
}

// Measure computes the faithfulness of a map. It runs the model (2 + 2*Orders)*Steps times, on pictures with parts covered.
func Measure(ctx context.Context, m *loupe.Model, p *loupe.Prompt, of *Map, o MeasureOptions) (*Faithfulness, error) {
	target, err := Resolve(ctx, m, p, o.Target)
	if err != nil {
		return nil, err
	}
	base, err := baselinePixels(p, o.Baseline, m.Processor)
	if err != nil {
		return nil, err
	}
	values := of.All()
	_, cells := layout(p, m.Config.Vision.SpatialMergeSize, of.Merge)
	if len(cells) != len(values) {
		return nil, fmt.Errorf("faithfulness: the map has %d cells and the prompt's pictures %d", len(values), len(cells))
	}
	orders := o.Orders
	if orders == 0 {
		orders = DefaultOrders
	}
	steps := o.Steps
	if steps == 0 {
		steps = DefaultCurveSteps
	}
	if orders < 0 || steps < 0 {
		return nil, fmt.Errorf("faithfulness: %d steps and %d random orders; give numbers above 0", o.Steps, o.Orders)
	}
	t := &trial{ctx: ctx, m: m, p: p, target: target, cells: cells, side: of.Merge, steps: min(steps, len(cells)), own: pixelsOf(p), base: base}
	out := &Faithfulness{Target: targetName(target), Unit: targetUnit(target), Cells: len(cells), Random: Random{Orders: orders}}
	if out.Deletion, out.Insertion, err = t.both(descending(values)); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	var deletions, insertions []Curve
	for range orders {
		d, i, err := t.both(rng.Perm(len(cells)))
		if err != nil {
			return nil, err
		}
		deletions, insertions = append(deletions, d), append(insertions, i)
	}
	out.Random.Deletion, out.Random.DeletionSD = meanCurve(deletions)
	out.Random.Insertion, out.Random.InsertionSD = meanCurve(insertions)
	if whole := math.Abs(out.Deletion.Value[0] - out.Insertion.Value[0]); whole != 0 {
		out.DeletionMargin = (out.Random.Deletion.Area - out.Deletion.Area) / whole
		out.InsertionMargin = (out.Insertion.Area - out.Random.Insertion.Area) / whole
	} else {
		out.Note = "the target is the same with the picture and with the baseline, so that there are no margins; try another attribution.Options.Baseline"
	}
	if least, largest := of.Range(); least == largest {
		out.Note = "the map is the same everywhere: its order is that of the cells and means nothing"
	}
	return out, nil
}

// descending is the order of values from the largest to the least; of equal ones the first comes first.
func descending(values []float64) []int {
	order := upTo(len(values))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}

// trial is what the curves of one prompt share.
type trial struct {
	ctx         context.Context
	m           *loupe.Model
	p           *loupe.Prompt
	target      loupe.GradTarget
	cells       []cell
	side, steps int
	own, base   [][]float32
}

// both are the curves of deletion and insertion in an order of the cells.
func (t *trial) both(order []int) (deletion, insertion Curve, err error) {
	if deletion, err = t.curve(order, t.own, t.base); err != nil {
		return deletion, insertion, err
	}
	insertion, err = t.curve(order, t.base, t.own)
	return deletion, insertion, err
}

// curve starts from the pixels from and replaces cells, in order, by those of to.
func (t *trial) curve(order []int, from, to [][]float32) (Curve, error) {
	var c Curve
	shown := make([][]float32, len(from))
	for i := range from {
		shown[i] = slices.Clone(from[i])
	}
	at := withPixels(t.p, shown)
	done := 0
	for s := range t.steps + 1 {
		for until := s * len(order) / t.steps; done < until; done++ {
			cover(shown, to, t.p, t.cells[order[done]], t.side)
		}
		v, err := Value(t.ctx, t.m, at, t.target)
		if err != nil {
			return c, err
		}
		c.Part = append(c.Part, float64(done)/float64(len(order)))
		c.Value = append(c.Value, v)
	}
	c.Area = area(c.Part, c.Value)
	return c, nil
}

// area is the integral of the line through the points.
func area(x, y []float64) float64 {
	sum := 0.0
	for i := 1; i < len(x); i++ {
		sum += float64((x[i] - x[i-1]) * (y[i] + y[i-1]) / 2)
	}
	return sum
}

// meanCurve is the mean of curves with the same parts, and the standard deviation of their areas.
func meanCurve(curves []Curve) (Curve, float64) {
	var values [][]float64
	var areas []float64
	for _, c := range curves {
		values, areas = append(values, c.Value), append(areas, c.Area)
	}
	out := Curve{Part: curves[0].Part, Value: mean(values, len(values))}
	out.Area = area(out.Part, out.Value)
	if len(areas) < 2 {
		return out, 0
	}
	return out, stat.StdDev(areas, nil)
}
