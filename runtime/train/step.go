package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// order is the record that stands at a place of the endless sequence of all epochs.
func (r *run) order(place int) *Record { return &r.train[r.at(place)] }

// at is the number of that record.
func (r *run) at(place int) int {
	epoch, i := place/len(r.train), place%len(r.train)
	if r.o.Shuffle {
		i = rand.New(rand.NewPCG(r.o.Seed, uint64(epoch))).Perm(len(r.train))[i]
	}
	return i
}

// step learns from the next records and moves the parameters. On an error they stay as they are.
func (r *run) step(ctx context.Context) (*LogLine, error) {
	began := time.Now()
	n := r.opt.Steps
	line := &LogLine{Step: n, LR: r.o.LR * r.o.Schedule.At(n)}
	ZeroGrad(r.params)
	tokens, err := r.gradients(ctx, line)
	if err != nil {
		return nil, err
	}
	line.Loss = line.LMLoss + float64(r.o.ScoreWeight*line.ScoreLoss)
	line.GradNorm = Norm(r.params)
	if math.IsNaN(line.Loss+line.GradNorm) || math.IsInf(line.Loss+line.GradNorm, 0) {
		return nil, &Diverged{Step: n, Loss: line.Loss, Norm: line.GradNorm}
	}
	factor := r.o.Schedule.At(n)
	r.opt.Step(r.m.Engine(), r.params, func(p *Param) float64 { return r.o.rate(p) * factor }, Clip(line.GradNorm, r.o.Clip))
	r.m.RefreshDoRA()
	line.TokensPS = float64(tokens) / time.Since(began).Seconds()
	line.RSSBytes = residentBytes()
	return line, nil
}

// gradients runs the step's records forward and backward, and adds their losses to the line.
func (r *run) gradients(ctx context.Context, line *LogLine) (tokens int, err error) {
	each := r.o.Batch * r.o.Accumulate
	first := r.opt.Steps * each
	var order *ranking
	if r.o.ScoreLoss == PairwiseLoss && r.m.Head != nil {
		if order, err = r.rank(ctx, first, each); err != nil {
			return 0, err
		}
		line.ScoreLoss = order.loss
	}
	for i := range each {
		record := r.order(first + i)
		lesson, err := record.Lesson(ctx, r.m)
		if err != nil {
			return 0, err
		}
		o := r.learnOptions(first+i, each)
		if order != nil {
			o.HeadGrad = order.grads[i]
		}
		got, err := r.m.Learn(ctx, lesson, o)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", record.Where, err)
		}
		line.LMLoss += got.LM / float64(each)
		line.ScoreLoss += got.Score / float64(each)
		tokens += len(lesson.Prompt.IDs)
	}
	return tokens, nil
}

// learnOptions are those of the record at a place of the sequence, one of each in its step.
func (r *run) learnOptions(place, each int) loupe.LearnOptions {
	return loupe.LearnOptions{
		Weight: 1 / float32(each), Lambda: float32(r.o.ScoreWeight), Recompute: r.o.Recompute, Huber: r.o.ScoreLoss == HuberLoss,
		Seed: r.o.Seed*1_000_003 + uint64(place) + 1,
	}
}

// rate is the learning rate of a parameter before the schedule.
func (o *Options) rate(p *Param) float64 {
	if own := map[Part]float64{Vision: o.VisionLR, Merger: o.MergerLR, Decoder: o.DecoderLR, ScoreHead: o.HeadLR}[p.Part()]; own > 0 {
		return own
	}
	return o.LR
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
