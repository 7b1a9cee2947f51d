package train

import (
	"context"
	"fmt"
	"math"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// Fit is how well a score head was fitted in closed form, by target.
type Fit struct {
	Pictures int         `json:"pictures"`
	Targets  []TargetFit `json:"targets"`
}

// TargetFit is the fit of one target.
type TargetFit struct {
	Name    string  `json:"name"`
	Records int     `json:"records"` // that have it
	Penalty float64 `json:"penalty"` // of the ridge regression
	// LeftOut is the root mean squared error, in the target's units, over records that the fit was made without, one at a time.
	LeftOut float64 `json:"left_out_rmse"`
	// MAE and Pearson are over the records for evaluation; nil where there are none.
	MAE     *float64 `json:"mae,omitempty"`
	Pearson *float64 `json:"pearson,omitempty"`
}

// seen is what the score head is given of each record's picture: the features, (1, width), that it pools.
type seen struct {
	records  []Record
	features [][]float32
}

// look runs the model over the pictures once.
func (r *run) look(ctx context.Context, records []Record, done, of int) (*seen, error) {
	s := &seen{records: records}
	for i := range records {
		l, err := records[i].Lesson(ctx, r.m)
		if err != nil {
			return nil, err
		}
		pooled, err := r.m.Pooled(ctx, l.Prompt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", records[i].Where, err)
		}
		s.features = append(s.features, pooled)
		r.report(Progress{Stage: "look", Done: done + i + 1, Of: of})
	}
	return s, nil
}

// fitHead is a run that fits the head and leaves the model as it is.
func (r *run) fitHead(ctx context.Context) (*Result, error) {
	if r.m.Head == nil {
		return nil, fmt.Errorf("%s: no record to learn from has a score or targets: there is nothing to fit a head to", r.o.Data)
	}
	r.params = Head(r.m, nil)
	fit, err := r.fitOn(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &Stopped{cause: ctx.Err()}
		}
		return nil, err
	}
	if err := writeHead(r.o.Out, r.m); err != nil {
		return nil, err
	}
	if err := writeTaught(r.o.Out, r.taught()); err != nil {
		return nil, err
	}
	return &Result{Fit: fit}, nil
}

// startHead fits a new head before the first step.
func (r *run) startHead(ctx context.Context) (err error) {
	r.fit, err = r.fitOn(ctx)
	return err
}

func (r *run) fitOn(ctx context.Context) (*Fit, error) {
	of := len(r.train) + len(r.eval)
	train, err := r.look(ctx, r.train, 0, of)
	if err != nil {
		return nil, err
	}
	fit, err := fitLast(ctx, r.m, train)
	if err != nil {
		return nil, err
	}
	if r.o.HeadOnly && len(r.m.Head.Layers) > 1 {
		if err := r.descend(ctx, train); err != nil {
			return nil, err
		}
	}
	eval, err := r.look(ctx, r.eval, len(r.train), of)
	if err != nil {
		return nil, err
	}
	return fit, fit.judge(ctx, r.m, eval)
}

// fitLast fits the head's last layer, whose weights are float32 in memory, to what the layers before it make of the features: for each target over the records
// that have it. Targets of the same records are fitted with one penalty.
func fitLast(ctx context.Context, m *loupe.Model, s *seen) (*Fit, error) {
	inputs, err := m.Through(ctx, s.features, len(m.Head.Layers)-1)
	if err != nil {
		return nil, err
	}
	fit := &Fit{Pictures: len(s.records), Targets: make([]TargetFit, len(m.Head.Config.Targets))}
	last := m.Head.Layers[len(m.Head.Layers)-1]
	clear(last.W.F32)
	clear(last.Bias)
	for _, group := range s.groups(m.Head) {
		var x, y [][]float64
		for _, i := range group.records {
			x = append(x, widen(inputs[i]))
			var row []float64
			for _, t := range group.targets {
				c := m.Head.Config.Targets[t]
				v, _ := s.records[i].value(c.Name)
				row = append(row, (v-c.Mean)/c.Std)
			}
			y = append(y, row)
		}
		name := m.Head.Config.Targets[group.targets[0]].Name
		if len(group.records) == 0 {
			continue // nothing says what this output should be: it stays 0, the target's mean
		}
		found, err := fitRidge(m.Engine(), x, y)
		if err != nil {
			return nil, fmt.Errorf("fit the score head to %q: %w", name, err)
		}
		for n, t := range group.targets {
			c := m.Head.Config.Targets[t]
			for k, v := range found.weight[n] {
				last.W.F32[t*last.W.Cols+k] = float32(v)
			}
			last.Bias[t] = float32(found.bias[n])
			fit.Targets[t] = TargetFit{Name: c.Name, Records: len(x), Penalty: found.penalty, LeftOut: math.Sqrt(found.left[n]) * c.Std}
		}
	}
	return fit, nil
}

// descend goes on from the closed form by gradient, through all layers of the head, over features that do not change.
func (r *run) descend(ctx context.Context, s *seen) error {
	r.setSteps()
	r.opt = NewAdamW(r.params, r.o.Decay)
	each := r.o.Batch * r.o.Accumulate
	for r.opt.Steps < r.steps {
		ZeroGrad(r.params)
		var chosen [][]float32
		var lessons []loupe.Lesson
		for i := range each {
			at := r.at(r.opt.Steps*each + i)
			l := loupe.Lesson{}
			l.Targets, l.Present = s.records[at].wanted(r.m.Head)
			chosen, lessons = append(chosen, s.features[at]), append(lessons, l)
		}
		var order *ranking
		if r.o.ScoreLoss == PairwiseLoss {
			outputs, err := r.m.Through(ctx, chosen, len(r.m.Head.Layers))
			if err != nil {
				return err
			}
			order = rankingOf(outputs, lessons)
		}
		for i, l := range lessons {
			o := r.learnOptions(0, each)
			if o.Lambda = 1; order != nil {
				o.HeadGrad = order.grads[i]
			}
			if _, err := r.m.LearnHead(ctx, chosen[i], l, o); err != nil {
				return err
			}
		}
		norm, factor := Norm(r.params), r.o.Schedule.At(r.opt.Steps)
		if math.IsNaN(norm) || math.IsInf(norm, 0) {
			return &Diverged{Step: r.opt.Steps, Norm: norm}
		}
		r.opt.Step(r.m.Engine(), r.params, func(p *Param) float64 { return r.o.rate(p) * factor }, Clip(norm, r.o.Clip))
	}
	return nil
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// group is targets that the same records have.
type group struct{ targets, records []int }

// groups puts together the targets that the same records have, in the order of the targets.
func (s *seen) groups(h *vit.Head) []*group {
	var out []*group
	byRecords := map[string]*group{}
	for t, c := range h.Config.Targets {
		var have []int
		for i := range s.records {
			if _, ok := s.records[i].value(c.Name); ok {
				have = append(have, i)
			}
		}
		key := fmt.Sprint(have)
		if byRecords[key] == nil {
			byRecords[key] = &group{records: have}
			out = append(out, byRecords[key])
		}
		byRecords[key].targets = append(byRecords[key].targets, t)
	}
	return out
}

// judge holds the head to the records for evaluation.
func (f *Fit) judge(ctx context.Context, m *loupe.Model, s *seen) error {
	outputs, err := m.Through(ctx, s.features, len(m.Head.Layers))
	if err != nil {
		return err
	}
	for t := range f.Targets {
		var truth, said []float64
		for i := range s.records {
			if v, ok := s.records[i].value(f.Targets[t].Name); ok {
				_, clamped := m.Head.Value(t, outputs[i][t])
				truth, said = append(truth, v), append(said, clamped)
			}
		}
		f.Targets[t].MAE, f.Targets[t].Pearson = nearness(truth, said)
	}
	return nil
}
