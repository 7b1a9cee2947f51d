package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// Options are one run of training. Its result depends on them, the data and the model alone.
type Options struct {
	Data string // JSON Lines or CSV
	Out  string // directory

	Full   bool // every weight learns; else LoRA
	LoRA   LoRAOptions
	Freeze []string // patterns of what does not learn in a full run
	// Recompute saves memory; see tensor.Tape. It changes no bit.
	Recompute bool

	Epochs, Steps     int // Steps 0: as many as Epochs are
	Batch, Accumulate int // records of a step are Batch * Accumulate
	LR, HeadLR        float64
	Decay, Clip       float64
	ScoreWeight       float64 // lambda of the joint loss
	Schedule          Schedule
	EvalSplit         float64
	Seed              uint64
	Shuffle           bool
	// ScoreRange is the least and the most that a new score head says; empty: 1 and 100, or as far beyond as the data go.
	ScoreRange []float64 `json:",omitempty"`

	Resume          bool
	CheckpointEvery int // steps; 0: at the end only
}

// Validate refuses what cannot be meant, naming the flag.
func (o Options) Validate() error {
	positive := func(v float64) bool { return v > 0 && !math.IsInf(v, 0) }
	notNegative := func(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }
	switch {
	case o.Data == "":
		return errors.New("--data is missing: name a JSON Lines or CSV file")
	case o.Out == "":
		return errors.New("--out is missing: name a directory")
	case o.Epochs < 0 || o.Steps < 0 || o.Epochs+o.Steps == 0:
		return fmt.Errorf("--epochs is %d and --steps %d; give one of them above 0", o.Epochs, o.Steps)
	case o.Batch < 1 || o.Accumulate < 1:
		return fmt.Errorf("--batch is %d and --accumulate %d; give numbers above 0", o.Batch, o.Accumulate)
	case !positive(o.LR) || !notNegative(o.HeadLR):
		return fmt.Errorf("--lr is %v and --head-lr %v; give numbers above 0", o.LR, o.HeadLR)
	case !notNegative(o.Decay) || !notNegative(o.Clip) || !notNegative(o.ScoreWeight):
		return fmt.Errorf("--weight-decay is %v, --clip %v and --score-weight %v; give 0 or numbers above it", o.Decay, o.Clip, o.ScoreWeight)
	case !(o.EvalSplit >= 0 && o.EvalSplit < 1):
		return fmt.Errorf("--eval-split is %v; give a part from 0 up to but without 1", o.EvalSplit)
	case len(o.ScoreRange) != 0 && (len(o.ScoreRange) != 2 || !(o.ScoreRange[0] < o.ScoreRange[1])):
		return fmt.Errorf("--score-range is %v; give the least and the most, as in 0,10", o.ScoreRange)
	case o.CheckpointEvery < 0:
		return fmt.Errorf("--checkpoint-every is %d; give 0 or a number of steps", o.CheckpointEvery)
	}
	return o.Schedule.Validate()
}

// Progress is what a run tells of itself: Stage "check" while the data are read, then "train".
type Progress struct {
	Stage    string
	Done, Of int
	Last     *LogLine // of the step that was just taken
}

// LogLine is one step as OUT/log.jsonl has it.
type LogLine struct {
	Step      int     `json:"step"` // from 0
	Loss      float64 `json:"loss"`
	LMLoss    float64 `json:"lm_loss"`
	ScoreLoss float64 `json:"score_loss"`
	LR        float64 `json:"lr"`
	GradNorm  float64 `json:"grad_norm"` // before clipping
	TokensPS  float64 `json:"tokens_per_s"`
	RSSBytes  uint64  `json:"rss_bytes"`
}

// run is a training under way.
type run struct {
	o      Options
	m      *loupe.Model
	train  []Record
	eval   []Record
	params []*Param
	head   map[*Param]bool // those of the score head
	opt    *AdamW
	digest string
	steps  int
	saved  int      // step of the last checkpoint; -1: none
	log    *os.File // nil until the run is prepared
}

// Run trains the model, which learns in memory, and writes into o.Out: log.jsonl, checkpoints, and at the end the adapter or
// the model, the score head and the optimiser's state. When ctx ends, a checkpoint is written and ctx's error returned.
func Run(ctx context.Context, m *loupe.Model, o Options, report func(Progress)) error {
	if err := o.Validate(); err != nil {
		return err
	}
	r := &run{o: o, m: m, saved: -1}
	if err := r.prepare(ctx, report); err != nil {
		if ctx.Err() != nil {
			return &Stopped{cause: ctx.Err()}
		}
		return err
	}
	log, err := r.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	r.log = log
	for r.opt.Steps < r.steps {
		line, err := r.step(ctx)
		if err == nil {
			err = writeLine(log, line)
		}
		if err != nil {
			return r.stopped(ctx, err)
		}
		if r.o.CheckpointEvery > 0 && r.opt.Steps%r.o.CheckpointEvery == 0 {
			if err := r.save(); err != nil {
				return err
			}
		}
		report(Progress{Stage: "train", Done: r.opt.Steps, Of: r.steps, Last: line})
	}
	if err := r.save(); err != nil {
		return err
	}
	return r.write()
}

// Stopped is the error of a run that was told to stop and has written a checkpoint to go on from.
type Stopped struct {
	Step  int // taken so far
	cause error
}

// Error says how to go on.
func (e *Stopped) Error() string {
	return fmt.Sprintf("stopped after step %d, %v; --resume goes on from there", e.Step, e.cause)
}

// Unwrap is why: context.Canceled, most likely.
func (e *Stopped) Unwrap() error { return e.cause }

// stopped ends a run before its time: the steps taken are not lost, whatever the reason, and a run that cannot go on says
// so. After a loss that is not finite the last checkpoint is the place to go on from.
func (r *run) stopped(ctx context.Context, err error) error {
	var diverged *Diverged
	if errors.As(err, &diverged) {
		return err
	}
	if saving := r.save(); saving != nil {
		return fmt.Errorf("%w; and the checkpoint could not be written: %w", err, saving)
	}
	if ctx.Err() != nil {
		return &Stopped{Step: r.opt.Steps, cause: ctx.Err()}
	}
	return fmt.Errorf("%w; step %d is saved: mend that, and go on with --resume", err, r.opt.Steps)
}

// Diverged is the error of a step whose loss or gradient is no finite number.
type Diverged struct {
	Step       int
	Loss, Norm float64
}

// Error says what to do.
func (e *Diverged) Error() string {
	return fmt.Sprintf("step %d: the loss is %v and the gradient's norm %v; lower --lr, and begin again, or go on from the last checkpoint with --resume and the same flags", e.Step, e.Loss, e.Norm)
}

// prepare reads the data, makes learn what is to, and goes back to the last checkpoint where that is asked for.
func (r *run) prepare(ctx context.Context, report func(Progress)) error {
	if err := r.ownDirectory(); err != nil {
		return err
	}
	records, err := ReadRecords(r.o.Data)
	if err != nil {
		return err
	}
	digests, err := checked(ctx, r.m, records, func(n int) { report(Progress{Stage: "check", Done: n, Of: len(records)}) })
	if err != nil {
		return err
	}
	r.train, r.eval = split(records, digests, r.o.EvalSplit, r.o.Seed)
	if len(r.train) == 0 {
		return fmt.Errorf("%s: all %d records are for evaluation; lower --eval-split or give more records", r.o.Data, len(records))
	}
	if r.m.Head == nil {
		if cfg, any := headFor(r.train, r.o.ScoreRange); any {
			if err := r.m.NewHead(cfg); err != nil {
				return err
			}
		}
	}
	if err := r.learners(); err != nil {
		return err
	}
	each := r.o.Batch * r.o.Accumulate
	r.steps = r.o.Steps
	if r.steps == 0 {
		r.steps = (len(r.train)*r.o.Epochs + each - 1) / each
	}
	r.o.Schedule.Steps = r.steps
	r.opt = NewAdamW(r.params, r.o.Decay)
	if r.digest, err = r.identity(digests); err != nil {
		return err
	}
	if r.o.Resume {
		return r.restore()
	}
	return nil
}

// ownDirectory makes the output directory; one that holds another run's log is not overwritten.
func (r *run) ownDirectory() error {
	if err := os.MkdirAll(r.o.Out, 0o777); err != nil {
		return fmt.Errorf("make --out: %w", err)
	}
	steps, err := checkpoints(filepath.Join(r.o.Out, checkpointsDir))
	if err != nil {
		return err
	}
	_, err = os.Stat(r.logPath())
	if (err == nil || len(steps) > 0) && !r.o.Resume {
		return fmt.Errorf("--out %s holds a run already; go on with it by --resume, or name another directory", r.o.Out)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read --out: %w", err)
	}
	left, _ := filepath.Glob(filepath.Join(r.o.Out, ".*.tmp")) // of a run that was killed while it wrote
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove a half-written file: %w", err)
		}
	}
	return nil
}

// learners makes learn what the options name.
func (r *run) learners() (err error) {
	if r.o.Full {
		if p := r.m.Settings().Precision; p != "exact" {
			return fmt.Errorf("--full learns the weights in float32, and --precision %s has rounded them; leave one of the two away", p)
		}
		if r.m.Adapter != nil {
			return errors.New("--full and --adapter do not go together: merge the adapter first, or train it without --full")
		}
		r.params = Full(r.m, r.o.Freeze)
	} else {
		r.o.LoRA.Seed = r.o.Seed
		if r.params, err = LoRA(r.m, r.o.LoRA); err != nil {
			return err
		}
	}
	r.head = map[*Param]bool{}
	for _, p := range Head(r.m) {
		r.head[p] = true
		r.params = append(r.params, p)
	}
	if len(r.params) == 0 {
		return errors.New("--freeze leaves nothing to learn")
	}
	return nil
}

// identity is a digest of all that the result depends on: a checkpoint of another run must not be gone on from.
func (r *run) identity(digests [][32]byte) (string, error) {
	o := r.o
	o.Data, o.Out, o.Resume, o.CheckpointEvery, o.Recompute, o.Epochs, o.Steps = "", "", false, 0, false, 0, r.steps
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(o); err != nil {
		return "", fmt.Errorf("digest of the options: %w", err)
	}
	for _, records := range [][]Record{r.train, r.eval} {
		for _, rec := range records {
			rec.Where, rec.Image = "", filepath.Base(rec.Image)
			if err := json.NewEncoder(h).Encode(rec); err != nil {
				return "", fmt.Errorf("digest of the data: %w", err)
			}
		}
	}
	if p := r.m.Settings().Precision; p != "exact" {
		fmt.Fprintln(h, p)
	}
	for _, d := range digests {
		h.Write(d[:])
	}
	for _, p := range r.params {
		fmt.Fprintln(h, p.Name, p.Shape)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// order is the record that stands at a place of the endless sequence of all epochs.
func (r *run) order(place int) *Record {
	epoch, i := place/len(r.train), place%len(r.train)
	if r.o.Shuffle {
		i = rand.New(rand.NewPCG(r.o.Seed, uint64(epoch))).Perm(len(r.train))[i]
	}
	return &r.train[i]
}

// step learns from the next records and moves the parameters. On an error they stay as they are.
func (r *run) step(ctx context.Context) (*LogLine, error) {
	began := time.Now()
	n := r.opt.Steps
	each := r.o.Batch * r.o.Accumulate
	line := &LogLine{Step: n, LR: r.o.LR * r.o.Schedule.At(n)}
	ZeroGrad(r.params)
	tokens := 0
	for i := range each {
		lesson, err := r.order(n*each + i).Lesson(r.m)
		if err != nil {
			return nil, err
		}
		got, err := r.m.Learn(ctx, lesson, loupe.LearnOptions{
			Weight: 1 / float32(each), Lambda: float32(r.o.ScoreWeight), Recompute: r.o.Recompute,
			Seed: r.o.Seed*1_000_003 + uint64(n*each+i) + 1,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.order(n*each+i).Where, err)
		}
		line.LMLoss += got.LM / float64(each)
		line.ScoreLoss += got.Score / float64(each)
		tokens += len(lesson.Prompt.IDs)
	}
	line.Loss = line.LMLoss + float64(r.o.ScoreWeight*line.ScoreLoss)
	line.GradNorm = Norm(r.params)
	if math.IsNaN(line.Loss+line.GradNorm) || math.IsInf(line.Loss+line.GradNorm, 0) {
		return nil, &Diverged{Step: n, Loss: line.Loss, Norm: line.GradNorm}
	}
	factor := r.o.Schedule.At(n)
	r.opt.Step(r.m.Engine(), r.params, func(p *Param) float64 {
		if r.head[p] && r.o.HeadLR > 0 {
			return r.o.HeadLR * factor
		}
		return r.o.LR * factor
	}, Clip(line.GradNorm, r.o.Clip))
	line.TokensPS = float64(tokens) / time.Since(began).Seconds()
	line.RSSBytes = residentBytes()
	return line, nil
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
