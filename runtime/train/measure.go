package train

import (
	"context"
	"fmt"
	"math"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
)

// EvalLine is one measurement on the evaluation records, a line of OUT/eval.jsonl.
type EvalLine struct {
	After     int     `json:"after"` // steps taken
	Loss      float64 `json:"loss"`
	LMLoss    float64 `json:"lm_loss"`
	ScoreLoss float64 `json:"score_loss"`
	RangeLoss float64 `json:"range_loss,omitempty"` // beside a rank loss: of outputs beyond their range
	// MAE, RMSE, Pearson and Spearman are of the scores, in their units; absent if the records hold no scores or do not
	// define the measure. If the head has no target named score they are of Target.
	MAE      *float64 `json:"mae,omitempty"`
	RMSE     *float64 `json:"rmse,omitempty"`
	Pearson  *float64 `json:"pearson,omitempty"`
	Spearman *float64 `json:"spearman,omitempty"`
	Target   string   `json:"target,omitempty"` // "": score
	Best     bool     `json:"best"`             // of those so far
}

// best is the best measurement so far, as checkpoints keep it.
type best struct {
	Step     int     `json:"step"`     // -1: none
	Loss     float64 `json:"loss"`     // or what Options.BestBy names, so that less is better
	Waited   int     `json:"waited"`   // measurements since it
	Measured int     `json:"measured"` // the step of the last measurement; -1: none
}

// due reports whether it is time for a measurement.
func (r *run) due() bool {
	if r.o.EvalEvery == 0 || r.opt.Steps == 0 || r.best.Measured == r.opt.Steps {
		return false
	}
	return r.opt.Steps%r.o.EvalEvery == 0 || r.opt.Steps == r.order.steps
}

// measure evaluates the model as it is. The best so far is kept as a checkpoint.
func (r *run) measure(ctx context.Context) error {
	line, err := r.evaluated(ctx)
	if err != nil {
		return err
	}
	r.best.Measured = r.opt.Steps
	r.best.Waited++
	value, known := line.by(r.o.BestBy)
	if !known {
		return fmt.Errorf("train.Options.BestBy %s: what was measured after step %d does not define it: the records for evaluation have too few scores, or all say, or are said, the same; measure by loss", r.o.BestBy, r.opt.Steps)
	}
	if r.best.Step < 0 || value < r.best.Loss {
		r.best.Step, r.best.Loss, r.best.Waited, line.Best = r.opt.Steps, value, 0, true
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

// evaluated is the joint loss over the evaluation records, and the error of their scores.
func (r *run) evaluated(ctx context.Context) (*EvalLine, error) {
	var outputs [][]float32
	var examples []loupe.Example
	var truth, said []float64
	line, n := &EvalLine{After: r.opt.Steps}, float64(len(r.eval))
	main := 0 // the target that stands for the whole picture
	if r.m.Head != nil {
		if main = r.m.Head.Config.Main(); r.m.Head.Config.Targets[main].Name != scoreName {
			line.Target = r.m.Head.Config.Targets[main].Name
		}
	}
	o := loupe.LearnOptions{Weight: 1, Lambda: 1, Huber: r.o.ScoreLoss == HuberLoss}
	for i := range r.eval {
		record := &r.eval[i]
		l, err := record.Example(ctx, r.m)
		if err != nil {
			return nil, err
		}
		got, err := r.m.Learner().Losses(ctx, l, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", record.Where, err)
		}
		line.LMLoss += got.LM / n
		line.ScoreLoss += got.Score / n
		if r.m.Head != nil {
			outputs, examples = append(outputs, got.Outputs), append(examples, l)
			if v, ok := record.value(r.m.Head.Config.Targets[main].Name); ok && got.Outputs != nil {
				_, value := r.m.Head.Value(main, got.Outputs[main])
				truth, said = append(truth, v), append(said, value)
			}
		}
		r.report(Progress{Stage: "evaluate", Done: i + 1, Of: len(r.eval)})
	}
	if r.o.ScoreLoss == PairwiseLoss {
		order := rankingOf(r.m.Head, outputs, examples)
		line.ScoreLoss, line.RangeLoss = order.loss, order.beyond
	}
	line.Loss = line.LMLoss + float64(r.o.ScoreWeight*(line.ScoreLoss+line.RangeLoss))
	if len(truth) == 0 {
		return line, nil
	}
	report, err := metrics.Evaluate(ctx, metrics.Pairs{Truth: truth, Predicted: said}, metrics.Options{Resamples: -1})
	if err != nil {
		return nil, err
	}
	line.MAE, line.RMSE, line.Pearson, line.Spearman = defined(report.MAE), defined(report.RMSE), defined(report.Pearson), defined(report.Spearman)
	return line, nil
}

// The measures that can say which measurement is the best.
const BestByLoss = "loss"

// BestMeasures are their names, the default first.
var BestMeasures = []string{BestByLoss, "lm_loss", "score_loss", "mae", "rmse", "pearson", "spearman"}

// by is the value of a measure, with the sign that makes less better; false: it is not defined.
func (l *EvalLine) by(measure string) (value float64, known bool) {
	of, sign := map[string]*float64{"": &l.Loss, BestByLoss: &l.Loss, "lm_loss": &l.LMLoss, "score_loss": &l.ScoreLoss, "mae": l.MAE, "rmse": l.RMSE, "pearson": l.Pearson, "spearman": l.Spearman}[measure], 1.0
	if measure == "pearson" || measure == "spearman" {
		sign = -1
	}
	if of == nil {
		return 0, false
	}
	return sign * *of, true
}

// defined is an estimate's value; nil where it has none.
func defined(e metrics.Estimate) *float64 {
	if math.IsNaN(e.Value) {
		return nil
	}
	return &e.Value
}

// errorAndCorrelation are the mean absolute error and the Pearson correlation of predictions with the truth; nil where not
// defined.
func errorAndCorrelation(truth, said []float64) (mae, pearson *float64) {
	if len(truth) == 0 {
		return nil, nil
	}
	sum := 0.0
	for i, v := range truth {
		sum += math.Abs(v - said[i])
	}
	sum /= float64(len(truth))
	if r, known := metrics.Correlation(truth, said); known {
		pearson = &r
	}
	return &sum, pearson
}
