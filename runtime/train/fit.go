package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/vit"
)

// Fit is how well a score head was fitted, by target.
type Fit struct {
	Pictures int `json:"pictures"`
	// Parts is the number of folds of the cross-validation behind LeftOut, 0 for leave-one-out. The head of each fold is
	// fitted in the same way as the final one.
	Parts   int         `json:"left_out_parts,omitempty"`
	Targets []TargetFit `json:"targets"`
}

// TargetFit is the fit of one target.
type TargetFit struct {
	Name string `json:"name"`
	// Pictures and Records count those that have the target. 0: the head keeps its weights for it.
	Pictures int     `json:"pictures"`
	Records  int     `json:"records"`
	Penalty  float64 `json:"penalty"` // of the ridge regression, chosen by leave-one-out error
	// LeftOut is the cross-validated root mean squared error over pictures, in the target's units and not clamped to its
	// range. nil: too few pictures have the target.
	LeftOut *float64 `json:"left_out_rmse,omitempty"`
	// MAE and Pearson are over the evaluation records; nil: there are none.
	MAE     *float64 `json:"mae,omitempty"`
	Pearson *float64 `json:"pearson,omitempty"`
}

// pictureFeatures are the pooled inputs of the score head, (1, width) for each record's picture.
type pictureFeatures struct {
	records  []Record
	pictures *Pictures
	features [][]float32
}

// scored are the records that say something of a target of the head, and their pictures.
func (r *run) scored(records []Record, p *Pictures) (out []Record, pictures *Pictures) {
	var numbers []int
	for i := range records {
		if _, present := records[i].values(r.m.Head); slices.Contains(present, true) {
			out, numbers = append(out, records[i]), append(numbers, i)
		}
	}
	return out, p.some(numbers)
}

// extractFeatures runs the model over the pictures once.
func (r *run) extractFeatures(ctx context.Context, records []Record, pictures *Pictures, done, of int) (*pictureFeatures, error) {
	s := &pictureFeatures{records: records, pictures: pictures}
	for i := range records {
		question, err := records[i].Question(ctx, r.m)
		if err != nil {
			return nil, err
		}
		pooled, err := r.m.Learner().Pooled(ctx, question)
		if err != nil {
			return nil, recordError(&records[i], err)
		}
		s.features = append(s.features, pooled)
		r.report(Progress{Stage: "look", Done: done + i + 1, Of: of})
	}
	return s, nil
}

// of are the features of some of the records.
func (s *pictureFeatures) of(records []int) *pictureFeatures {
	out := &pictureFeatures{pictures: s.pictures.some(records)}
	for _, i := range records {
		out.records, out.features = append(out.records, s.records[i]), append(out.features, s.features[i])
	}
	return out
}

// fitHead is a run that fits the score head and changes nothing else of the model.
func (r *run) fitHead(ctx context.Context) (*Result, error) {
	if r.m.Head == nil {
		return nil, fmt.Errorf("%s: no record to learn from has a score or targets: there is nothing to fit a head to", r.o.Data)
	}
	var err error
	if r.params, err = Head(r.m, nil); err != nil {
		return nil, err
	}
	kept(r.m.Head, r.params, r.train)
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
	out := r.result()
	out.Fit = fit
	return out, nil
}

// startHead fits a new head before the first step.
func (r *run) startHead(ctx context.Context) (err error) {
	r.fit, err = r.fitOn(ctx)
	return err
}

func (r *run) fitOn(ctx context.Context) (*Fit, error) {
	learned, learnedPictures := r.scored(r.train, r.trainPictures)
	judged, judgedPictures := r.scored(r.eval, r.evalPictures)
	if len(learned) == 0 {
		return nil, fmt.Errorf("%s: no record to learn from has a score or another target of the score head: there is nothing to fit it to", r.o.Data)
	}
	of := len(learned) + len(judged)
	train, err := r.extractFeatures(ctx, learned, learnedPictures, 0, of)
	if err != nil {
		return nil, err
	}
	var fit *Fit
	if r.o.HeadOnly && len(r.m.Head.Layers) > 1 {
		fit, err = r.fitHidden(ctx, train)
	} else {
		fit, err = fitLast(ctx, r.m, train)
	}
	if err != nil {
		return nil, err
	}
	eval, err := r.extractFeatures(ctx, judged, judgedPictures, len(learned), of)
	if err != nil {
		return nil, err
	}
	return fit, fit.judge(ctx, r.m, eval)
}

// fitLast fits the head's last layer, whose weights are float32 in memory, to the outputs of the layers before it. Each
// target is fitted by itself, over the records that have it. A target that no record has keeps its weights.
func fitLast(ctx context.Context, m *loupe.Model, s *pictureFeatures) (*Fit, error) {
	inputs, err := m.Learner().Through(ctx, s.features, len(m.Head.Layers)-1)
	if err != nil {
		return nil, err
	}
	fit := &Fit{Pictures: s.pictures.Len(), Targets: make([]TargetFit, len(m.Head.Config.Targets))}
	last := m.Head.Layers[len(m.Head.Layers)-1]
	weight, err := kernels.WeightFloats(last.W)
	if err != nil {
		return nil, err
	}
	dev, bias := m.Learner().DeviceOf(scoreHead), make([]float32, last.Bias.Len())
	if err := dev.Download(bias, last.Bias.Row()); err != nil {
		return nil, err
	}
	for _, group := range s.groups(m.Head) {
		own := s.of(group.records)
		var x, y [][]float64
		for n, i := range group.records {
			x = append(x, widen(inputs[i]))
			var row []float64
			for _, t := range group.targets {
				c := m.Head.Config.Targets[t]
				v, _ := own.records[n].value(c.Name)
				row = append(row, (v-c.Mean)/c.Std)
			}
			y = append(y, row)
		}
		for _, t := range group.targets {
			fit.Targets[t] = TargetFit{Name: m.Head.Config.Targets[t].Name, Records: len(x), Pictures: own.pictures.Len()}
		}
		if len(group.records) == 0 {
			continue
		}
		found, err := fitRidge(m.Engine("the fit of the score head before training"), x, y, own.pictures.Of)
		if err != nil {
			return nil, fmt.Errorf("fit the score head to %q, which %d pictures have: %w; give more, or leave it out by naming the others with train.ReadOptions.Columns", fit.Targets[group.targets[0]].Name, own.pictures.Len(), err)
		}
		for n, t := range group.targets {
			for k, v := range found[n].weight {
				weight[t*last.W.Cols+k] = float32(v)
			}
			bias[t] = float32(found[n].bias)
			left := math.Sqrt(found[n].left) * m.Head.Config.Targets[t].Std
			fit.Targets[t].Penalty, fit.Targets[t].LeftOut = found[n].penalty, &left
		}
	}
	if err := kernels.SetWeight(dev, &last.W, weight); err != nil {
		return nil, err
	}
	return fit, dev.Upload(last.Bias.Row(), bias)
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// group is targets that the same records have. They share one Cholesky factor and nothing else.
type group struct{ targets, records []int }

// groups gathers the targets that the same records have, in the order of the targets.
func (s *pictureFeatures) groups(h *vit.Head) []*group {
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

// judge computes the head's error on the evaluation records.
func (f *Fit) judge(ctx context.Context, m *loupe.Model, s *pictureFeatures) error {
	outputs, err := m.Learner().Through(ctx, s.features, len(m.Head.Layers))
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
		f.Targets[t].MAE, f.Targets[t].Pearson = errorAndCorrelation(truth, said)
	}
	return nil
}
