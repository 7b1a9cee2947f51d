package metrics

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// stream is the second half of the generator's seed, so that resamples are a stream of their own, whatever else the seed is
// used for.
const stream = 0x6d657472696373 // "metrics"

// resampler draws indices of pairs with replacement.
type resampler struct {
	source *rand.PCG
	index  []int
}

func newResampler(n int, seed uint64) *resampler {
	return &resampler{rand.NewPCG(seed, stream), make([]int, n)}
}

// next is the next resample's indices, valid until the call after it. An index is the high word of u*n, u the next 64 bits
// of the generator: written out here since later Go releases promise to keep only the generator's own stream.
func (r *resampler) next() []int {
	n := uint64(len(r.index))
	for i := range r.index {
		hi, _ := bits.Mul64(r.source.Uint64(), n)
		r.index[i] = int(hi)
	}
	return r.index
}

// draws are resamples of pairs by picture: all pairs of a picture are drawn together, with replacement.
type draws struct {
	of     *resampler
	groups [][]int
	index  []int
}

func newDraws(groups [][]int, seed uint64) *draws {
	return &draws{of: newResampler(len(groups), seed), groups: groups}
}

// next is the pairs of the next resample, valid until the call after it.
func (d *draws) next() []int {
	d.index = d.index[:0]
	for _, g := range d.of.next() {
		d.index = append(d.index, d.groups[g]...)
	}
	return d.index
}

// groupsOf inverts of, the group of each of n pairs, into the pairs of each group. nil: each pair is a group.
func groupsOf(of []int, n int) ([][]int, error) {
	if of != nil && len(of) != n {
		return nil, fmt.Errorf("metrics: groups of %d pairs for %d pairs", len(of), n)
	}
	var groups [][]int
	for i := range n {
		g := i
		if of != nil {
			g = of[i]
		}
		if g < 0 || g > len(groups) {
			return nil, fmt.Errorf("metrics: pair %d is of group %d; number the groups 0, 1, 2, ... in the order in which they appear", i+1, g)
		}
		if g == len(groups) {
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups, nil
}

// estimate is a statistic's value, or the reason why there is none, with the interval of its values over the resamples.
func estimate(value float64, reason string, resampled []float64) Estimate {
	e := Estimate{math.NaN(), math.NaN(), math.NaN(), reason, 0}
	if reason != "" {
		return e
	}
	e.Value = value
	if len(resampled) == 0 {
		return e
	}
	defined := slices.DeleteFunc(slices.Clone(resampled), math.IsNaN)
	e.Undefined = len(resampled) - len(defined)
	if len(defined) == 0 {
		e.Reason = noResample
		return e
	}
	slices.Sort(defined)
	e.Low, e.High = quantile(defined, 0.025), quantile(defined, 0.975)
	return e
}

// quantile interpolates linearly between the sorted values around (n-1)*q, as numpy.quantile does by default; gonum's
// LinInterp is another definition (around n*q).
func quantile(sorted []float64, q float64) float64 {
	at := float64(len(sorted)-1) * q
	i := int(at)
	a, b := sorted[i], sorted[min(i+1, len(sorted)-1)]
	return a + (b-a)*(at-float64(i))
}
