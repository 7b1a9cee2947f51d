package train

import (
	"context"
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// ranking is the pairwise loss of some records, and its gradient by each one's outputs.
type ranking struct {
	loss  float64
	grads [][]float32 // of each record, by target
}

// pairwise is the mean over pairs of records, of which i is to be above j, of log(1 + exp(z_j - z_i)), averaged over the
// targets that have a pair (RankNet: Burges et al., Learning to Rank using Gradient Descent). wanted and present are as in
// loupe.Lesson.
func pairwise(outputs, wanted [][]float32, present [][]bool) *ranking {
	r := &ranking{}
	targets, ranked := 0, 0
	for i := range outputs {
		targets = max(targets, len(outputs[i]))
		r.grads = append(r.grads, make([]float32, len(outputs[i])))
	}
	for t := range targets {
		pairs, sum := 0, 0.0
		grads := make([]float32, len(outputs))
		for i := range outputs {
			for j := range outputs {
				if present[i] == nil || present[j] == nil { // of text alone
					continue
				}
				if !present[i][t] || !present[j][t] || !(wanted[i][t] > wanted[j][t]) {
					continue
				}
				pairs++
				behind := outputs[j][t] - outputs[i][t]
				sum += softplus(float64(behind))
				g := kernels.Sigmoid(behind)
				grads[i] -= g
				grads[j] += g
			}
		}
		if pairs == 0 {
			continue
		}
		ranked++
		r.loss += sum / float64(pairs)
		for i, g := range grads {
			if r.grads[i] != nil && len(r.grads[i]) > t {
				r.grads[i][t] = g / float32(pairs)
			}
		}
	}
	if ranked == 0 {
		return r
	}
	r.loss /= float64(ranked)
	for i := range r.grads {
		for t := range r.grads[i] {
			r.grads[i][t] /= float32(ranked)
		}
	}
	return r
}

// softplus is log(1 + exp(x)), for large x too.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// rankingOf is pairwise over lessons.
func rankingOf(outputs [][]float32, lessons []loupe.Lesson) *ranking {
	var wanted [][]float32
	var present [][]bool
	for _, l := range lessons {
		wanted, present = append(wanted, l.Targets), append(present, l.Present)
	}
	return pairwise(outputs, wanted, present)
}

// rank runs the score head over the records of a step first, with the dropout that they will have: the loss of each depends
// on all.
func (r *run) rank(ctx context.Context, first, each int) (*ranking, error) {
	var outputs [][]float32
	var lessons []loupe.Lesson
	for i := range each {
		record := r.order(first + i)
		l, err := record.Lesson(ctx, r.m)
		if err != nil {
			return nil, err
		}
		got, err := r.m.Losses(ctx, loupe.Lesson{Prompt: l.Prompt, Targets: l.Targets, Present: l.Present}, r.learnOptions(first+i, each))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", record.Where, err)
		}
		outputs, lessons = append(outputs, got.Outputs), append(lessons, l)
	}
	return rankingOf(outputs, lessons), nil
}
