package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// step runs forward and backward over the next records and updates the parameters. On an error they stay as they are.
func (r *run) step(ctx context.Context) (*LogLine, error) {
	began := time.Now()
	n := r.opt.Steps
	line := &LogLine{Step: n, LR: r.o.LR * r.o.Schedule.At(n), Device: r.m.GPU()}
	ZeroGrad(r.params)
	tokens, err := r.gradients(ctx, line)
	if err != nil {
		return nil, err
	}
	line.Loss = line.LMLoss + float64(r.o.ScoreWeight*(line.ScoreLoss+line.RangeLoss))
	if line.GradNorm, err = Norm(r.params); err != nil {
		return nil, err
	}
	if math.IsNaN(line.Loss+line.GradNorm) || math.IsInf(line.Loss+line.GradNorm, 0) {
		return nil, &Diverged{Step: n, Loss: line.Loss, Norm: line.GradNorm}
	}
	factor := r.o.Schedule.At(n)
	r.opt.Step(r.params, func(p *Param) float64 { return r.o.rate(p) * factor }, Clip(line.GradNorm, r.o.Clip))
	if err := r.m.Learner().RefreshDoRA(); err != nil {
		return nil, err
	}
	line.TokensPS = float64(tokens) / time.Since(began).Seconds()
	line.RSSBytes = residentBytes()
	return line, nil
}

// gradients runs the step's records forward and backward, and adds their losses to line.
func (r *run) gradients(ctx context.Context, line *LogLine) (tokens int, err error) {
	numbers, before := r.order.step(r.opt.Steps)
	var records []*Record
	for _, n := range numbers {
		records = append(records, &r.train[n])
	}
	var order *ranking
	if r.o.ScoreLoss == PairwiseLoss && r.m.Head != nil {
		if order, err = r.rank(ctx, records, before); err != nil {
			return 0, err
		}
		line.ScoreLoss, line.RangeLoss = order.loss, order.beyond
	}
	var reached reach
	for i, record := range records {
		example, err := record.Example(ctx, r.m)
		if err != nil {
			return 0, err
		}
		o := r.learnOptions(before+i, len(records))
		if order != nil {
			o.HeadGrad = order.grads[i]
		}
		got, err := r.m.Learner().Learn(ctx, example, o)
		if err != nil {
			return 0, recordError(record, err)
		}
		line.LMLoss += got.LM / float64(len(records))
		line.ScoreLoss += got.Score / float64(len(records))
		tokens += len(example.Prompt.IDs)
		reached.add(example, r.o.ScoreWeight)
	}
	reached.scores = reached.scores && (order == nil || order.pairs)
	for _, p := range r.params {
		p.Unused = !reached.of(r.m, p)
	}
	return tokens, nil
}

// learnOptions are the options for the record at this place of the sequence, one of each records in its step.
func (r *run) learnOptions(place, each int) loupe.LearnOptions {
	return loupe.LearnOptions{
		Weight: 1 / float32(each), Lambda: float32(r.o.ScoreWeight), Recompute: r.o.Recompute, Huber: r.o.ScoreLoss == HuberLoss,
		Seed: r.o.Seed*1_000_003 + uint64(place) + 1,
	}
}

// rate is a parameter's learning rate before the schedule.
func (o *Options) rate(p *Param) float64 {
	return o.partRate(p.Part())
}

// partRate is that of a part.
func (o *Options) partRate(p Part) float64 {
	if own := o.own(p); own != nil {
		return *own
	}
	return o.LR
}

// own is a part's own rate; nil: it has none.
func (o *Options) own(p Part) *float64 {
	return map[Part]*float64{Vision: o.VisionLR, Merger: o.MergerLR, Decoder: o.DecoderLR, ScoreHead: o.HeadLR}[p]
}

// residentBytes is the memory that the process holds; 0 where the system does not tell.
func residentBytes() uint64 {
	if runtime.GOOS != "linux" {
		return 0
	}
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var total, resident uint64
	if _, err := fmt.Sscan(strings.TrimSpace(string(data)), &total, &resident); err != nil {
		return 0
	}
	return resident * uint64(os.Getpagesize())
}
