package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Progress is how far a run is. Stage is "check" while the data are read, "look" while features are computed for a fit of
// the head, "train" at each step, "evaluate" during a measurement, and "note" for something that the user should know
// before the work begins.
type Progress struct {
	Stage    string
	Done, Of int
	Last     *LogLine // of the step that was just taken
	Note     string
}

// run is a training run under way.
type run struct {
	o     Options
	m     *loupe.Model
	train []Record
	eval  []Record
	// records are those for training and those for evaluation; leftOut is the number of others, of the split test
	records      []Record
	leftOut      int
	sizes        sizes
	paramBuilder paramBuilder
	params       []*Param
	opt          *AdamW
	best         best
	fit          *Fit // of the score head, where it was fitted before the first step
	// pictures of all records, of those to learn from and of those to evaluate on
	pictures, trainPictures, evalPictures *Pictures
	of                                    identity
	digest                                string // of it
	// heldOut are the evaluation records as they were read, before several of one picture became one
	heldOut   []Record
	agreement map[string]*metrics.Agreement // of the raters, by target
	order     epochs
	saved     int // step of the last checkpoint; -1: none
	report    func(Progress)
	out       *disk.Lock
	// the lines of steps and of measurements; nil until the run is prepared
	log, evals *os.File
}

// Run trains the model in memory and writes to o.Out: log.jsonl, eval.jsonl, curves, checkpoints, and at the end the
// adapter or the model, the score head and the optimizer's state. A run that ctx ends, or that cannot go on, first writes a
// checkpoint. The error is then a *Stopped, or says that there is one.
func Run(ctx context.Context, m *loupe.Model, o Options, report func(Progress)) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &run{o: o, m: m, saved: -1, report: report, best: best{Step: -1, Measured: -1}}
	defer r.releaseDirectory()
	if err := r.prepare(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, &Stopped{cause: ctx.Err()}
		}
		return nil, err
	}
	if o.HeadOnly {
		return r.fitHead(ctx)
	}
	if err := r.openLogs(); err != nil {
		return nil, err
	}
	defer r.closeLogs()
	if err := r.learn(ctx); err != nil {
		return nil, r.stopped(ctx, err)
	}
	if err := r.save(); err != nil {
		return nil, err
	}
	done, err := r.finish(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, &Stopped{r.opt.Steps, r.checkpoint(), ctx.Err()}
	}
	return done, err
}

// learn runs the steps that are left.
func (r *run) learn(ctx context.Context) (err error) {
	defer weights.CatchFaults(&err)()
	for {
		if r.due() {
			if err := r.measure(ctx); err != nil {
				return err
			}
		}
		if r.opt.Steps >= r.order.steps || r.o.Patience > 0 && r.best.Waited >= r.o.Patience {
			return nil
		}
		line, err := r.step(ctx)
		if err == nil {
			err = writeLine(r.log, line)
		}
		if err != nil {
			return err
		}
		if r.o.CheckpointEvery > 0 && r.opt.Steps%r.o.CheckpointEvery == 0 {
			if err := r.save(); err != nil {
				return &unsaved{err}
			}
		}
		r.report(Progress{Stage: "train", Done: r.opt.Steps, Of: r.order.steps, Last: line})
	}
}

// unsaved is the error of a checkpoint that could not be written.
type unsaved struct{ error }

// Stopped is the error of a run that was told to stop and has written a checkpoint to go on from.
type Stopped struct {
	Step       int    // taken so far
	Checkpoint string // the directory that was written; "": the work had not begun, and there is none
	cause      error
}

// Error says how to go on.
func (e *Stopped) Error() string {
	return fmt.Sprintf("stopped after step %d, %v; train.Options.Resume goes on from there", e.Step, e.cause)
}

// Unwrap is why: context.Canceled, most likely.
func (e *Stopped) Unwrap() error { return e.cause }

// stopped ends a run early. It writes a checkpoint, whatever the reason, so that the steps taken are not lost. After a loss
// that is not finite it writes none: the last checkpoint is the one to resume from.
func (r *run) stopped(ctx context.Context, err error) error {
	var diverged *Diverged
	var unsaved *unsaved
	if errors.As(err, &diverged) {
		return err
	}
	if errors.As(err, &unsaved) {
		return fmt.Errorf("%w; make room, and go on from the last checkpoint with train.Options.Resume", unsaved.error)
	}
	if r.m.DeviceErr() != nil { // what learns lay on it
		if r.saved < 0 {
			return fmt.Errorf("the device can compute nothing more: %w; no checkpoint was written: begin again, with train.Options.CheckpointEvery", err)
		}
		return fmt.Errorf("the device can compute nothing more: %w; step %d is saved in %s: go on with the same options and train.Options.Resume", err, r.saved, stepDir(filepath.Join(r.o.Out, checkpointsDir), r.saved))
	}
	if saving := r.save(); saving != nil {
		return fmt.Errorf("%w; and the checkpoint could not be written: %w", err, saving)
	}
	if ctx.Err() != nil {
		return &Stopped{r.opt.Steps, r.checkpoint(), ctx.Err()}
	}
	return fmt.Errorf("%w; step %d is saved in %s: mend that, and go on with the same options and train.Options.Resume", err, r.opt.Steps, r.checkpoint())
}

// checkpoint is the directory of the checkpoint of the step that was taken last.
func (r *run) checkpoint() string {
	return stepDir(filepath.Join(r.o.Out, checkpointsDir), r.opt.Steps)
}

// Diverged is the error of a step whose loss or gradient is not finite.
type Diverged struct {
	Step       int
	Loss, Norm float64
}

// Error says what to do.
func (e *Diverged) Error() string {
	return fmt.Sprintf("step %d: the loss is %v and the gradient's norm %v; lower train.Options.LR, and begin again, or go on from the last checkpoint with train.Options.Resume and the same options", e.Step, e.Loss, e.Norm)
}

// readData reads the data and the pictures, checks them, and splits them.
func (r *run) readData(ctx context.Context) error {
	data, err := readData(ctx, r.o.Data, ReadOptions{Columns: r.o.Columns, ImageFolder: r.o.ImageFolder})
	if err != nil {
		return err
	}
	for _, note := range data.Notes {
		r.note(note)
	}
	records, note := withoutTest(data.Records)
	if note != "" {
		r.note(r.o.Data + ": " + note)
	}
	r.records, r.leftOut = records, len(data.Records)-len(records)
	data.bad = append(data.bad, outside(records, r.o.ScoreRange)...)
	r.pictures, r.sizes, err = checked(ctx, r.m, records, data.bad, func(n int) { r.report(Progress{Stage: "check", Done: n, Of: len(records)}) })
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("check training data %s: %w", r.o.Data, err)
	}
	r.train, r.eval, r.trainPictures, r.evalPictures = split(records, r.pictures, r.o.EvalSplit, r.o.Seed)
	if said := r.pictures.BothSides(records); said != "" {
		r.note(said)
	}
	if !slices.ContainsFunc(records, func(rec Record) bool { return rec.Split == "" }) {
		if r.o.Given[optionsName+"EvalSplit"] {
			r.note("train.Options.EvalSplit changes nothing: every record says which split it is of")
		}
	} else if r.o.Given[optionsName+"EvalSplit"] && r.o.EvalSplit > 0 && len(r.eval) == 0 {
		r.note(fmt.Sprintf("train.Options.EvalSplit %v of %d pictures is none: nothing is held out", r.o.EvalSplit, r.pictures.Len()))
	}
	r.heldOut = r.eval
	if r.agreement, err = agreement(ctx, records, r.pictures, metrics.Options{Seed: r.o.Seed}); err != nil {
		return err
	}
	train, trainPictures := averaged(r.train, r.trainPictures)
	eval, evalPictures := averaged(r.eval, r.evalPictures)
	r.noteUnused(len(train) + len(eval))
	if r.o.Raters != RatersEach {
		r.train, r.trainPictures, r.eval, r.evalPictures = train, trainPictures, eval, evalPictures
	}
	if len(r.train) == 0 {
		return fmt.Errorf("%s: all %d records are for evaluation; lower train.Options.EvalSplit or give more records", r.o.Data, len(records))
	}
	return nil
}

// note tells the user something before the work begins.
func (r *run) note(text string) { r.report(Progress{Stage: "note", Note: text}) }

// noteRanges notes values outside the default range of a new head.
func (r *run) noteRanges(fresh bool) {
	if !fresh || len(r.o.ScoreRange) > 0 {
		return
	}
	for _, note := range rangeNotes(r.records, r.m.Head.Config.Targets) {
		r.note(note)
	}
}

// prepare reads the data, collects the parameters, and restores the last checkpoint if that is asked for.
func (r *run) prepare(ctx context.Context) (err error) {
	defer weights.CatchFaults(&err)()
	if err := r.ownDirectory(); err != nil {
		return err
	}
	if err := r.readData(ctx); err != nil {
		return err
	}
	if r.o.EvalEvery > 0 && len(r.eval) == 0 {
		return fmt.Errorf("%s: there are no records for train.Options.EvalEvery to measure; give train.Options.EvalSplit, or records with the split eval", r.o.Data)
	}
	fresh, err := r.newHead()
	if err != nil {
		return err
	}
	if err := r.refuseMeasures(); err != nil {
		return err
	}
	if err := r.writeHeldOut(); err != nil {
		return err
	}
	r.noteRanges(fresh)
	if r.o.HeadOnly {
		return nil
	}
	if err := r.learners(); err != nil {
		return err
	}
	if r.o.AutoRecompute {
		plan, err := r.planLongest(ctx)
		if err != nil {
			return err
		}
		r.o.Recompute = plan.Recompute
	}
	r.order = r.inOrder(len(r.train))
	r.o.Schedule.Steps = r.order.steps
	if said := r.order.uneven(); said != "" {
		r.note(said)
	}
	if r.opt, err = NewAdamW(r.params, r.o.Decay); err != nil {
		return err
	}
	if r.of, err = r.identity(); err != nil {
		return err
	}
	r.digest = r.of.digest()
	if r.o.Resume {
		if resumed, err := r.restore(); err != nil || resumed {
			return err
		}
	}
	if r.o.HeadInit == ridgeInit && fresh {
		return r.startHead(ctx)
	}
	return nil
}

// unfinished are the files that a run ended before its first step leaves in its output directory.
var unfinished = []string{heldOutName}

// ownDirectory makes the output directory and locks it for this run. It does not overwrite the files of another run.
func (r *run) ownDirectory() (err error) {
	if err := os.MkdirAll(r.o.Out, 0o777); err != nil {
		return fmt.Errorf("make the directory of the output: %w", err)
	}
	if r.out, err = disk.LockOutput(r.o.Out); err != nil {
		return err
	}
	disk.Sweep(r.o.Out)
	disk.Sweep(filepath.Join(r.o.Out, checkpointsDir))
	if r.o.Resume && !r.o.HeadOnly {
		return nil
	}
	err = disk.RequireEmpty(r.o.Out, unfinished...)
	if _, logged := os.Stat(r.logPath()); err != nil && logged == nil && !r.o.HeadOnly {
		return fmt.Errorf("train.Options.Out %s holds a run already; go on with it by train.Options.Resume, or name another directory", r.o.Out)
	}
	return err
}

func (r *run) releaseDirectory() {
	if r.out != nil {
		r.out.Release()
	}
}
