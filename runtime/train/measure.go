package train

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// EvalLine is one measurement of the records for evaluation as OUT/eval.jsonl has it.
type EvalLine struct {
	After     int     `json:"after"` // steps taken
	Loss      float64 `json:"loss"`
	LMLoss    float64 `json:"lm_loss"`
	ScoreLoss float64 `json:"score_loss"`
	RangeLoss float64 `json:"range_loss,omitempty"` // beside a rank loss: of outputs beyond their range
	// MAE and Pearson are of the scores, in their units; absent where the records hold none, or do not define them.
	MAE     *float64 `json:"mae,omitempty"`
	Pearson *float64 `json:"pearson,omitempty"`
	Best    bool     `json:"best"` // of those so far
}

// best is the place of the best measurement, as checkpoints keep it.
type best struct {
	Step     int     `json:"step"` // -1: none
	Loss     float64 `json:"loss"`
	Waited   int     `json:"waited"`   // measurements since it
	Measured int     `json:"measured"` // the step of the last measurement; -1: none
}

// due reports whether the records for evaluation are to be measured now.
func (r *run) due() bool {
	if r.o.EvalEvery == 0 || r.opt.Steps == 0 || r.best.Measured == r.opt.Steps {
		return false
	}
	return r.opt.Steps%r.o.EvalEvery == 0 || r.opt.Steps == r.order.steps
}

// measure holds the records for evaluation against the model as it is. The best so far is kept as a checkpoint.
func (r *run) measure(ctx context.Context) error {
	line, err := r.evaluated(ctx)
	if err != nil {
		return err
	}
	r.best.Measured = r.opt.Steps
	r.best.Waited++
	if r.best.Step < 0 || line.Loss < r.best.Loss {
		r.best.Step, r.best.Loss, r.best.Waited, line.Best = r.opt.Steps, line.Loss, 0, true
	}
	if err := writeLine(r.evals, line); err != nil {
		return err
	}
	if line.Best {
		if err := r.save(); err != nil {
			return &unsaved{err}
		}
	}
	return nil
}

// evaluated is the joint loss over the records for evaluation, and how near their scores come.
func (r *run) evaluated(ctx context.Context) (*EvalLine, error) {
	var outputs [][]float32
	var lessons []loupe.Lesson
	var truth, said []float64
	line, n := &EvalLine{After: r.opt.Steps}, float64(len(r.eval))
	o := loupe.LearnOptions{Weight: 1, Lambda: 1, Huber: r.o.ScoreLoss == HuberLoss}
	for i := range r.eval {
		record := &r.eval[i]
		l, err := record.Lesson(ctx, r.m)
		if err != nil {
			return nil, err
		}
		got, err := r.m.Losses(ctx, l, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", record.Where, err)
		}
		line.LMLoss += got.LM / n
		line.ScoreLoss += got.Score / n
		if r.m.Head != nil {
			outputs, lessons = append(outputs, got.Outputs), append(lessons, l)
			if t := r.m.Head.Config.Targets[0].Name; t == scoreName && record.Score != nil {
				_, v := r.m.Head.Value(0, got.Outputs[0])
				truth, said = append(truth, *record.Score), append(said, v)
			}
		}
		r.report(Progress{Stage: "evaluate", Done: i + 1, Of: len(r.eval)})
	}
	if r.o.ScoreLoss == PairwiseLoss {
		order := rankingOf(r.m.Head, outputs, lessons)
		line.ScoreLoss, line.RangeLoss = order.loss, order.beyond
	}
	line.Loss = line.LMLoss + float64(r.o.ScoreWeight*(line.ScoreLoss+line.RangeLoss))
	line.MAE, line.Pearson = nearness(truth, said)
	return line, nil
}

// nearness is the mean absolute error and the correlation of what was said with the truth, nil where there is none.
func nearness(truth, said []float64) (mae, pearson *float64) {
	if len(truth) == 0 {
		return nil, nil
	}
	sum := 0.0
	for i, v := range truth {
		sum += math.Abs(v - said[i])
	}
	sum /= float64(len(truth))
	if r := stat.Correlation(truth, said, nil); len(truth) > 1 && !math.IsNaN(r) {
		pearson = &r
	}
	return &sum, pearson
}
