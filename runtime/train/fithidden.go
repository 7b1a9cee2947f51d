package train

import (
	"context"
	"math"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// leftOutParts is the number of folds in the cross-validation of a head with hidden layers.
const leftOutParts = 5

// fitHidden fits a head with hidden layers: its last layer in closed form, then all layers by gradient descent. Its error
// comes from cross-validation with heads made in the same way, since there is no closed form for it.
func (r *run) fitHidden(ctx context.Context, s *pictureFeatures) (*Fit, error) {
	begin, err := copied(r.params)
	if err != nil {
		return nil, err
	}
	squares, weights := make([]float64, len(r.m.Head.Config.Targets)), make([]float64, len(r.m.Head.Config.Targets))
	pictures := make([]int, s.pictures.Len())
	for n := range pictures {
		pictures[n] = n
	}
	pictures = s.pictures.drawn(pictures, r.o.Seed)
	parts := min(leftOutParts, len(pictures))
	known := len(pictures) > 3 && r.o.ScoreLoss != PairwiseLoss // a fold of so few pictures is too much to leave out, and a ranking has no error in points
	for part := range parts {
		if !known {
			break
		}
		var rest, out []int
		for i, n := range pictures {
			if i%parts == part {
				out = append(out, s.pictures.Records[n]...)
			} else {
				rest = append(rest, s.pictures.Records[n]...)
			}
		}
		slices.Sort(rest)
		slices.Sort(out)
		if _, err := r.fitLastThenAll(ctx, s.of(rest)); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			known = false // a target that too few of the others have
		}
		if err := r.leftOutErrors(ctx, s.of(out), squares, weights); err != nil {
			return nil, err
		}
		if err := restored(r.params, begin); err != nil {
			return nil, err
		}
	}
	fit, err := r.fitLastThenAll(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := r.keepRangeOf(ctx, s); err != nil {
		return nil, err
	}
	if known {
		fit.Parts = parts
	}
	for t := range fit.Targets {
		fit.Targets[t].LeftOut = nil
		if known && weights[t] > 0 {
			left := math.Sqrt(squares[t]/weights[t]) * r.m.Head.Config.Targets[t].Std
			fit.Targets[t].LeftOut = &left
		}
	}
	return fit, nil
}

// fitLastThenAll fits the last layer in closed form, and then all layers.
func (r *run) fitLastThenAll(ctx context.Context, s *pictureFeatures) (*Fit, error) {
	fit, err := fitLast(ctx, r.m, s)
	if err != nil {
		return nil, err
	}
	return fit, r.gradientDescent(ctx, s)
}

// leftOutErrors adds up the squared errors on pictures that the head was not fitted on, by target and standardized, and the
// weights of their records. Each picture counts once.
func (r *run) leftOutErrors(ctx context.Context, s *pictureFeatures, squares, weights []float64) error {
	outputs, err := r.m.Learner().Through(ctx, s.features, len(r.m.Head.Layers))
	if err != nil {
		return err
	}
	for _, of := range s.pictures.Records {
		for t, c := range r.m.Head.Config.Targets {
			sum, n := 0.0, 0.0
			for _, i := range of {
				if v, ok := s.records[i].value(c.Name); ok {
					d := float64(outputs[i][t]) - (v-c.Mean)/c.Std
					sum += float64(d * d)
					n++
				}
			}
			if n > 0 {
				squares[t] += sum / n
				weights[t]++
			}
		}
	}
	return nil
}

// gradientDescent trains all layers of the head, starting from the closed form, on features that stay the same.
func (r *run) gradientDescent(ctx context.Context, s *pictureFeatures) error {
	order := r.inOrder(len(s.records))
	schedule := r.o.Schedule
	schedule.Steps = order.steps
	opt, err := NewAdamW(r.params, r.o.Decay)
	if err != nil {
		return err
	}
	for opt.Steps < order.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		ZeroGrad(r.params)
		var chosen [][]float32
		var examples []loupe.Example
		numbers, _ := order.step(opt.Steps)
		for _, at := range numbers {
			l := loupe.Example{}
			l.Targets, l.Present = s.records[at].wanted(r.m.Head)
			chosen, examples = append(chosen, s.features[at]), append(examples, l)
		}
		if err := r.headGradients(ctx, chosen, examples); err != nil {
			return err
		}
		norm, err := Norm(r.params)
		if err != nil {
			return err
		}
		factor := schedule.At(opt.Steps)
		if math.IsNaN(norm) || math.IsInf(norm, 0) {
			return &Diverged{Step: opt.Steps, Norm: norm}
		}
		opt.Step(r.params, func(p *Param) float64 { return r.o.rate(p) * factor }, Clip(norm, r.o.Clip))
	}
	return nil
}

// headGradients runs the head forward and backward on the features of a step.
func (r *run) headGradients(ctx context.Context, chosen [][]float32, examples []loupe.Example) error {
	var order *ranking
	if r.o.ScoreLoss == PairwiseLoss {
		outputs, err := r.m.Learner().Through(ctx, chosen, len(r.m.Head.Layers))
		if err != nil {
			return err
		}
		order = rankingOf(r.m.Head, outputs, examples)
	}
	var reached reach
	for i, l := range examples {
		o := r.learnOptions(0, len(examples))
		if o.Lambda = 1; order != nil {
			o.HeadGrad = order.grads[i]
		}
		if _, err := r.m.Learner().LearnHead(ctx, chosen[i], l, o); err != nil {
			return err
		}
		reached.add(l, 1)
	}
	reached.scores = reached.scores && (order == nil || order.pairs)
	for _, p := range r.params {
		p.Unused = !reached.of(r.m, p)
	}
	return nil
}
