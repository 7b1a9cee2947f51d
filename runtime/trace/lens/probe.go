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

// ProbeSet is pictures of which something is known.
type ProbeSet struct {
	Targets []string    // names of what is known
	Values  [][]float64 // of each record, by target; NaN where it is not known
	// Picture is the number of the picture of each record, so that rows, raters and copies of one stay together: records with
	// the same number are fitted and held against together, and count as one. nil: each has one of its own.
	Picture []int
	// Prompt is the conversation of record i about its picture, which is the only one in it: the question that a score is
	// asked by, without the answer.
	Prompt func(i int) (*loupe.Prompt, error)
	// Progress, where it is set, is told after each record how many are looked at, and of how many.
	Progress func(done, of int)
}

// Probing is how much a linear map can read off each layer.
type Probing struct {
	Pictures int           `json:"pictures"`
	Records  int           `json:"records"`
	Targets  []string      `json:"targets"`
	Layers   []ProbedLayer `json:"layers"`
}

// ProbedLayer is what can be read off one tap. All numbers are R², the part of the variance that the map explains in pictures
// that it was not fitted to: 1 is all, 0 no better than the mean, below it worse.
type ProbedLayer struct {
	Tap string `json:"tap"`
	// Last is set where the last token of the prompt is read, and not the picture.
	Last bool `json:"last,omitempty"`
	// Row and Column tell where a single row of the tap lies in the picture; nil where Last is set, and where pictures have but
	// one row or column.
	Row    *float64 `json:"row,omitempty"`
	Column *float64 `json:"column,omitempty"`
	// Middle tells how far off the middle column the row lies, to either side: a picture's two rims may be alike, so that this
	// can be read where the column cannot.
	Middle *float64 `json:"middle,omitempty"`
	// Targets are read off the mean of the picture's rows, or off the last token.
	Targets []float64 `json:"values"`
}

// probeRows is how many rows of a picture are asked where they lie, at most.
const probeRows = 128

// Probe fits linear probes (Alain and Bengio, "Understanding intermediate layers using linear classifier probes", arXiv
// 1610.01644) to the embedded patches, to the residual stream after each block and layer, and to the merger's rows: for what is
// known of the pictures, and for the place of a row. The maps are ridge regressions, held by turns against a fifth of the
// pictures that they were not fitted to, with a penalty that a further fifth chose, for each target apart. Features are
// standardized by the pictures that a map is fitted to, and by no others.
//
// That something can be read off a layer does not say that the model reads it there.
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

// vary is an error where a target is the same for all pictures, so that there is nothing to explain, or known of too few.
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

// probed is what the pictures have shown so far: samples of places and of whole pictures, by tap.
type probed struct {
	order  []string
	places map[string]*samples
	means  map[string]*samples
}

// lastSuffix marks the name of a tap of which the last token is read.
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
