package train

import (
	"context"
	"fmt"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/host"
)

// MostKept is the memory for activations, in bytes, above which AutoRecompute recomputes them. A model of 2 billion weights
// exceeds it with any picture.
const MostKept = 2 << 30

// Plan is the memory that a run would take at its peak, in bytes, computed from shapes.
type Plan struct {
	Tokens  int   `json:"tokens"`  // of the longest record
	Patches int   `json:"patches"` // of its picture
	Weights int64 `json:"weights"` // as they are stored, mapped from the file
	// Learned is the float32 memory of what learns: values, gradients and two moments.
	Learned    int64 `json:"learned"`
	Parameters int64 `json:"parameters"` // numbers that learn
	// Kept and Recomputed are the memory of activations and their gradients: all of them kept, or the saved ones and one
	// block's others at a time.
	Kept       int64 `json:"kept"`
	Recomputed int64 `json:"recomputed"`
	Recompute  bool  `json:"recompute"` // which of the two the run would choose
	Program    int64 `json:"program"`   // about what the rest takes
	Peak       int64 `json:"peak"`
	Free       int64 `json:"free"` // memory that is free now; 0: unknown

	Data *Summary `json:"data,omitempty"` // nil without data
}

// program is about the memory of the program itself.
const program = 100 << 20

// PlanShape is the plan of a run on a published shape, "2b" or "7b", with a picture of rows merged tokens (a square
// number), a question of 64 tokens and an answer of 100.
func PlanShape(ctx context.Context, shape string, o Options, rows int) (*Plan, error) {
	m, err := loupe.Shape(shape, loupe.Options{})
	if err != nil {
		return nil, err
	}
	score := 0.0
	if cfg, any := headFor([]Record{{Score: &score}}, nil); any {
		if err := m.Learner().NewHead(cfg); err != nil {
			return nil, err
		}
	}
	side := 1
	for (side+1)*(side+1) <= rows {
		side++
	}
	example, err := m.Learner().BlankExample(side, side, 64, 100)
	if err != nil {
		return nil, err
	}
	o.LR = max(o.LR, 1) // that it is 0 would say that nothing learns
	r := &run{o: o, m: m, paramBuilder: paramBuilder{plans: true}}
	if err := r.learners(); err != nil {
		return nil, err
	}
	return r.plan(ctx, example)
}

// PlanRun is the plan of a run with its data: what Run would do up to the first step, but for what it writes.
func PlanRun(ctx context.Context, m *loupe.Model, o Options, report func(Progress)) (*Plan, error) {
	r := &run{o: o, m: m, report: report, paramBuilder: paramBuilder{plans: true}}
	if err := r.readData(ctx); err != nil {
		return nil, err
	}
	fresh, err := r.newHead()
	if err != nil {
		return nil, err
	}
	r.noteRanges(fresh)
	if o.HeadOnly {
		if m.Head == nil {
			return nil, fmt.Errorf("%s: no record to learn from has a score or targets: there is nothing to fit a head to", o.Data)
		}
		if r.params, err = r.paramBuilder.head(m); err != nil {
			return nil, err
		}
	} else if err := r.learners(); err != nil {
		return nil, err
	}
	plan, err := r.planLongest(ctx)
	if err != nil {
		return nil, err
	}
	plan.Data = r.summary()
	return plan, nil
}

// planLongest plans for the record of the most tokens and the record of the most patches.
func (r *run) planLongest(ctx context.Context) (*Plan, error) {
	var worst *Plan
	for _, record := range []*Record{r.sizes.longest, r.sizes.largest} {
		if record == nil {
			continue // no record has a picture
		}
		l, err := record.Example(ctx, r.m)
		if err != nil {
			return nil, err
		}
		if r.o.HeadOnly {
			l.Labels = nil // the head alone is fitted
		}
		p, err := r.plan(ctx, l)
		if err != nil {
			return nil, err
		}
		if worst == nil || p.Peak > worst.Peak {
			worst = p
		}
	}
	return worst, nil
}

// plan is the memory of a run whose steps are all like this example.
func (r *run) plan(ctx context.Context, l loupe.Example) (p *Plan, err error) {
	p = &Plan{Tokens: len(l.Prompt.IDs), Weights: r.m.Stored().TensorBytes(), Program: program, Free: host.AvailableMemory()}
	if l.Prompt.Images != nil {
		p.Patches = l.Prompt.Images.Pixels.Rows
	}
	for _, x := range r.params {
		p.Parameters += int64(product(x.Shape))
	}
	p.Learned = 16 * p.Parameters
	o := r.learnOptions(0, 1)
	o.Recompute = false
	if p.Kept, err = r.m.Learner().EstimateTrainingMemory(ctx, l, o); err != nil {
		return nil, err
	}
	o.Recompute = true
	if p.Recomputed, err = r.m.Learner().EstimateTrainingMemory(ctx, l, o); err != nil {
		return nil, err
	}
	p.Recompute = r.o.Recompute || r.o.AutoRecompute && p.Kept > MostKept
	activations := p.Kept
	if p.Recompute {
		activations = p.Recomputed
	}
	p.Peak = p.Weights + p.Learned + activations + p.Program
	return p, nil
}
