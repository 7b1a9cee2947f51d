package train

import (
	"maps"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/vit"
	"github.com/loupe-vl/loupe/weights"
)

// headFor describes a score head for the records: the mean of the merger's output rows, one linear layer, and a target for
// the score and each dimension, standardized over the records. Values are clamped to limits (least, most). If limits is
// empty they are clamped to 1..100, or to the range of the records where that is wider. false: the records hold no numbers.
func headFor(records []Record, limits []float64) (weights.ScoreHeadConfig, bool) {
	cfg := weights.ScoreHeadConfig{Version: 1, Input: weights.MergerInput, Pool: weights.PoolMean}
	for _, name := range targetNames(records) {
		values := valuesOf(records, name)
		mean, std := meanAndDeviation(values)
		t := weights.ScoreTarget{Name: name, Mean: mean, Std: std, Min: min(leastScore, slices.Min(values)), Max: max(mostScore, slices.Max(values))}
		if len(limits) == 2 {
			t.Min, t.Max = limits[0], limits[1]
		}
		cfg.Targets = append(cfg.Targets, t)
	}
	return cfg, len(cfg.Targets) > 0
}

// targetNames are the targets that records have: the score, the dimensions of the rubric in their order, others by name.
func targetNames(records []Record) []string {
	names := map[string]bool{}
	for i := range records {
		for name := range records[i].numbers() {
			names[name] = true
		}
	}
	return inOrder(slices.Collect(maps.Keys(names)))
}

// constant is the relative deviation below which values count as all the same: the rest is rounding.
const constant = 1e-9

// meanAndDeviation are the mean and the standard deviation of all values. The deviation of values that are all the same is
// given as 1.
func meanAndDeviation(values []float64) (mean, deviation float64) {
	largest := 0.0
	for _, v := range values {
		mean += v
		largest = max(largest, math.Abs(v))
	}
	mean /= float64(len(values))
	for _, v := range values {
		deviation += float64((v - mean) * (v - mean))
	}
	if deviation = math.Sqrt(deviation / float64(len(values))); deviation <= constant*largest {
		deviation = 1
	}
	return mean, deviation
}

// initHidden draws the weights of a new head's hidden layers, uniform in ±1/sqrt(inputs). The last layer stays 0, so that a
// new head gives the mean of each target.
func initHidden(dev kernels.Device, h *vit.Head, seed uint64) error {
	for _, l := range h.Layers[:len(h.Layers)-1] {
		x := make([]float32, l.W.Rows*l.W.Cols)
		uniform(x, 1/math.Sqrt(float64(l.W.Cols)), seed, l.Name)
		if err := kernels.SetWeight(dev, &l.W, x); err != nil {
			return err
		}
	}
	return nil
}
