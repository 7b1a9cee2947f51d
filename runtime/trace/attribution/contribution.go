package attribution

import (
	"context"
	"fmt"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
)

// contribution divides a score among the rows that a linear head reads. The head's input is the mean over n rows, so row x
// contributes std * w·x / n points, and the bias contributes bias*std + mean. The products of a row are added in the order
// of its columns, in float64, where each is exact.
//
// The parts add up to the score to the bit, in the order that [Sum] states. Remainder is the float32 rounding of the head,
// about a millionth of a point.
func contribution(ctx context.Context, m *loupe.Model, p *loupe.Prompt, o Options) (*Map, error) {
	if _, err := linearTarget(m, o.Target); err != nil {
		return nil, err
	}
	s, rows, err := m.ScoreRows(ctx, p)
	if err != nil {
		return nil, err
	}
	return Divide(m, p, s, rows, *o.Target)
}

// Divide is the map of Contribution from a run that is already done: its score, and the rows that the score head read. If
// the head reads the vision tower, rows has one tap for each pass.
func Divide(m *loupe.Model, p *loupe.Prompt, s *loupe.Score, rows []loupe.Tap, of loupe.GradTarget) (*Map, error) {
	target, err := linearTarget(m, &of)
	if err != nil {
		return nil, err
	}
	cfg := m.Head.Config
	t := cfg.Targets[target]
	layer := m.Head.Layers[0]
	w := make([]float32, layer.W.Cols)
	layer.W.Row(w, target)
	n := 0
	for _, x := range rows {
		n += len(x.Data) / len(w)
	}
	var parts [][]float64
	for _, x := range rows {
		parts = append(parts, rowProducts(x.Data, w, t.Std/float64(n)))
	}
	if cfg.Pool == weights.PoolLast {
		keepLast(parts, float64(n))
	}
	out := laidOut(m, p, cfg.Input, parts)
	out.Method, out.Unit, out.Target = Contribution, targetUnit(of), targetName(of)
	bias := 0.0
	if !layer.Bias.None() {
		all, err := kernels.Floats(layer.Bias)
		if err != nil {
			return nil, err
		}
		bias = float64(all[target])
	}
	out.close(float64(bias*t.Std)+t.Mean, s.Targets[target].Value)
	return out, nil
}

// linearTarget is the index of a target of the model's head, which must be linear.
func linearTarget(m *loupe.Model, t *loupe.GradTarget) (int, error) {
	if !t.Score {
		return 0, fmt.Errorf("it divides scores and no logit; use relevance or integrated")
	}
	if len(m.Head.Config.Hidden) > 0 {
		return 0, fmt.Errorf("the score head has hidden layers, so that its score is no sum over patches; use relevance or integrated")
	}
	return m.HeadTarget(t.Name)
}

// laidOut is a map of values of the rows that a head reads: merged tokens, patches, or positions of the prompt.
func laidOut(m *loupe.Model, p *loupe.Prompt, input weights.HeadInput, values [][]float64) *Map {
	merge := m.Config.Vision.SpatialMergeSize
	switch input.From {
	case weights.MergerOutput:
		return newMap(p, merge, merge, values)
	case weights.BlockOutput:
		return newMap(p, merge, 1, values)
	}
	pictures, elsewhere := atPictures(p, slices.Concat(values...))
	out := newMap(p, merge, merge, pictures)
	out.Elsewhere = elsewhere
	return out
}

// rowProducts is w·x times scale for each row of x, each as long as w.
func rowProducts(x, w []float32, scale float64) []float64 {
	out := make([]float64, len(x)/len(w))
	for i := range out {
		sum := 0.0
		for c, v := range x[i*len(w):][:len(w)] {
			sum += float64(float64(v) * float64(w[c]))
		}
		out[i] = float64(sum * scale)
	}
	return out
}

// keepLast keeps the last row's part alone, and undoes its division by the number of rows n.
func keepLast(parts [][]float64, n float64) {
	for i, part := range parts {
		for j := range part {
			if i == len(parts)-1 && j == len(part)-1 {
				part[j] *= n
			} else {
				part[j] = 0
			}
		}
	}
}
