package lens

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// ProbeSet is pictures with known targets.
type ProbeSet struct {
	Targets []string    // names of what is known
	Values  [][]float64 // of each record, by target; NaN where it is not known
	// Picture is the number of each record's picture. Records of the same picture (rows, raters, copies) are in the same
	// fold and together count as one. nil: each record has a picture of its own.
	Picture []int
	// Prompt is the question of record i about its one picture, as for a score, without the answer.
	Prompt func(i int) (*loupe.Prompt, error)
	// Progress, where it is set, is told after each record how many are looked at, and of how many.
	Progress func(done, of int)
}

// Probing is how well linear probes predict the targets from each layer.
type Probing struct {
	Pictures int           `json:"pictures"`
	Records  int           `json:"records"`
	Targets  []string      `json:"targets"`
	Layers   []ProbedLayer `json:"layers"`
}

// ProbedLayer is how well probes on one tap predict. All numbers are R² on pictures that the probe was not fitted on: 1 is
// perfect, 0 no better than the mean, below 0 worse.
type ProbedLayer struct {
	Tap string `json:"tap"`
	// Last is set where the last token of the prompt is read, and not the picture.
	Last bool `json:"last,omitempty"`
	// Row and Column are the R² of a single row's place in the picture; nil if Last is set, or if pictures have only one
	// row or column.
	Row    *float64 `json:"row,omitempty"`
	Column *float64 `json:"column,omitempty"`
	// Middle is the R² of the row's distance from the middle column, to either side. The left and right rims of a picture
	// may look alike; then this can be predicted and the column cannot.
	Middle *float64 `json:"middle,omitempty"`
	// Targets are predicted from the mean of the picture's rows, or from the last token.
	Targets []float64 `json:"values"`
}

// probeRows is the most rows of a picture that probes of the place use.
const probeRows = 128

// Probe fits linear probes (Alain and Bengio, "Understanding intermediate layers using linear classifier probes", arXiv
// 1610.01644) to the embedded patches, to the residual stream after each block and layer, and to the merger's rows. They
// predict the targets of the pictures, and the place of a row. A probe is a ridge regression, evaluated by 5-fold
// cross-validation over pictures; for each target a further fold chooses the penalty. Features are standardized on the
// training folds alone.
//
// That a probe can predict something from a layer does not say that the model uses it there.
func Probe(ctx context.Context, m *loupe.Model, set ProbeSet) (*Probing, error) {
	if set.Picture == nil {
		for i := range set.Values {
			set.Picture = append(set.Picture, i)
		}
	}
	pictures := map[int]bool{}
	for _, n := range set.Picture {
		pictures[n] = true
	}
	if len(pictures) < LeastPictures {
		return nil, fmt.Errorf("probe: %d pictures; give %d or more", len(pictures), LeastPictures)
	}
	if err := vary(set); err != nil {
		return nil, err
	}
	found := &probed{places: map[string]*samples{}, means: map[string]*samples{}}
	taps := append([]string{"visual.patch_embed"}, LayerTaps(m, true)...)
	taps = append(append(taps, "visual.merger"), LayerTaps(m, false)...)
	for i := range set.Values {
		p, err := set.Prompt(i)
		if err != nil {
			return nil, err
		}
		if p.Images == nil || len(p.Images.Grids) != 1 || p.Videos != nil {
			return nil, fmt.Errorf("probe: prompt %d has not exactly one picture", i+1)
		}
		_, err = m.Trace(ctx, p, loupe.Taps(taps...), func(t loupe.Tap) error { return found.add(m, p, t, set.Picture[i], set.Values[i]) })
		if err != nil {
			return nil, err
		}
		if set.Progress != nil {
			set.Progress(i+1, len(set.Values))
		}
	}
	out := &Probing{Pictures: len(pictures), Records: len(set.Values), Targets: set.Targets}
	for _, name := range found.order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, err := found.layer(name)
		if err != nil {
			return nil, fmt.Errorf("probe %s: %w", name, err)
		}
		out.Layers = append(out.Layers, l)
	}
	return out, nil
}

// vary is an error if a target is the same for all pictures, so that there is nothing to predict, or known for too few of
// them.
func vary(set ProbeSet) error {
	for t, name := range set.Targets {
		pictures, values := map[int]bool{}, map[float64]bool{}
		last := 0.0
		for i, v := range set.Values {
			if !math.IsNaN(v[t]) {
				pictures[set.Picture[i]], values[v[t]], last = true, true, v[t]
			}
		}
		if len(pictures) < LeastPictures {
			return fmt.Errorf("probe: %s is known of %d pictures; it must be of %d or more", name, len(pictures), LeastPictures)
		}
		if len(values) == 1 {
			return fmt.Errorf("probe: %s is %v for every picture; there is nothing to tell apart", name, last)
		}
	}
	return nil
}

// probed collects the samples of pictures and of places, by tap.
type probed struct {
	order  []string
	places map[string]*samples
	means  map[string]*samples
}

// lastSuffix marks the name of a tap whose last token is read.
const lastSuffix = " at the last token"

// add takes what passes at a tap for a record of picture i.
func (f *probed) add(m *loupe.Model, p *loupe.Prompt, t loupe.Tap, i int, values []float64) error {
	x := tensor.Of(t.Shape[0], t.Shape[1], t.Data)
	if strings.HasPrefix(t.Name, "model.") {
		f.sample(f.means, t.Name+lastSuffix).add(i, x.Row(x.Rows-1), values)
		x = picked(x, p.Images.At)
	}
	merge := m.Config.Vision.SpatialMergeSize
	grid, side := p.Images.Grids[0], merge
	if x.Rows == vit.Patches(p.Images.Grids) {
		side = 1
	}
	// The order of patches is blocks of merge x merge; that of tokens is by lines.
	places := vit.PatchOrder(vit.Grid{grid[0], grid[1] / side, grid[2] / side}, merge/side)
	rows := rand.New(rand.NewPCG(uint64(i), 1)).Perm(x.Rows)
	for _, r := range rows[:min(probeRows, x.Rows)] {
		f.sample(f.places, t.Name).add(i, x.Row(r), []float64{float64(places[r].Row), float64(places[r].Col), offMiddle(places[r].Col, grid[2]/side)})
	}
	f.sample(f.means, t.Name).add(i, meanRow(x), values)
	return nil
}

// offMiddle is how far a column lies from the middle of n, to either side.
func offMiddle(col, n int) float64 { return math.Abs(float64(col) - float64(n-1)/2) }

// sample is the samples of that name.
func (f *probed) sample(of map[string]*samples, name string) *samples {
	if of[name] == nil {
		of[name] = &samples{}
		if !slices.Contains(f.order, name) {
			f.order = append(f.order, name)
		}
	}
	return of[name]
}

// layer fits the probes of a tap.
func (f *probed) layer(name string) (l ProbedLayer, err error) {
	l.Tap, l.Last = strings.CutSuffix(name, lastSuffix)
	if l.Targets, err = f.means[name].explained(); err != nil || l.Last {
		return l, err
	}
	place, err := f.places[name].explained()
	if err != nil {
		return l, err
	}
	for i, to := range []**float64{&l.Row, &l.Column, &l.Middle} {
		if !math.IsNaN(place[i]) {
			*to = &place[i]
		}
	}
	return l, nil
}

// meanRow is the mean of rows.
func meanRow(x tensor.Tensor) []float32 {
	sum := make([]float64, x.Cols)
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			sum[j] += float64(v)
		}
	}
	out := make([]float32, x.Cols)
	for j, v := range sum {
		out[j] = float32(v / float64(x.Rows))
	}
	return out
}
