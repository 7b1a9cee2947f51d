package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// A checkpoint is a directory, OUT/checkpoints/step-N: the parameters that learn, the optimizer's moments, and which run
// they belong to. It appears whole, by a rename, or not at all.
const (
	checkpointsDir    = "checkpoints"
	paramsName        = "params.safetensors"
	optimizerName     = "optimizer.safetensors"
	stateName         = "state.json"
	checkpointsToKeep = 2
)

var checkpointName = regexp.MustCompile(`^step-([0-9]+)$`)

// state is a checkpoint's state.json.
type state struct {
	Step int    `json:"step"` // steps taken
	Run  string `json:"run"`  // digest of Of
	// Of is what the run's result depends on; see identity.
	Of   identity `json:"of,omitempty"`
	Best *best    `json:"best,omitempty"`
}

// tensors are the parameters' values under their names.
func tensors(params []*Param) []weights.Named {
	var out []weights.Named
	for _, p := range params {
		out = append(out, fromBuffer(p.Name, p.Shape, p.Value))
	}
	return out
}

// moments are the optimizer's.
func (a *AdamW) moments(params []*Param) []weights.Named {
	var out []weights.Named
	for i, p := range params {
		out = append(out, fromBuffer("first."+p.Name, p.Shape, a.first[i]), fromBuffer("second."+p.Name, p.Shape, a.second[i]))
	}
	return append(out, weights.FromF32(stepsName, []int{len(a.own)}, a.own))
}

// stepsName is the tensor that counts the steps of each parameter.
const stepsName = "steps"

// save writes a checkpoint, unless the last one is of the same step, and removes old ones.
func (r *run) save() error {
	if r.saved == r.opt.Steps {
		return nil
	}
	if err := r.log.Sync(); err != nil { // the steps of a checkpoint are in the log, whatever happens to the machine
		return fmt.Errorf("write log: %w", err)
	}
	dir := filepath.Join(r.o.Out, checkpointsDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	out, err := disk.CreateDir(stepDir(dir, r.opt.Steps))
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	defer out.Abort() // does nothing after Commit
	s := state{Step: r.opt.Steps, Run: r.digest, Of: r.of}
	if r.o.EvalEvery > 0 {
		s.Best = &r.best
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	for name, write := range map[string]func(path string) error{
		paramsName:    func(path string) error { return weights.Write(path, tensors(r.params), nil) },
		optimizerName: func(path string) error { return weights.Write(path, r.opt.moments(r.params), nil) },
		stateName: func(path string) error {
			return disk.WriteFile(path, func(w io.Writer) error { _, err := w.Write(append(data, '\n')); return err })
		},
	} {
		if err := write(filepath.Join(out.Temp, name)); err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
	}
	if err := out.Commit(); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	r.saved = r.opt.Steps
	return r.prune(dir)
}

// stepDir is the directory of the checkpoint of a step.
func stepDir(dir string, step int) string { return filepath.Join(dir, fmt.Sprintf("step-%06d", step)) }

// prune removes all checkpoints but the last few and the best.
func (r *run) prune(dir string) error {
	steps, err := checkpoints(dir)
	if err != nil {
		return err
	}
	for i, step := range steps {
		if i >= len(steps)-checkpointsToKeep || step == r.best.Step {
			continue
		}
		if err := disk.RemoveAll(stepDir(dir, step)); err != nil {
			return fmt.Errorf("remove an old checkpoint: %w", err)
		}
	}
	return nil
}

// checkpoints lists the steps of the checkpoints in dir, ascending.
func checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	var steps []int
	for _, e := range entries {
		if m := checkpointName.FindStringSubmatch(e.Name()); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				steps = append(steps, n)
			}
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// restore goes back to the last checkpoint, if there is one.
func (r *run) restore() (resumed bool, err error) {
	dir := filepath.Join(r.o.Out, checkpointsDir)
	steps, err := checkpoints(dir)
	if err != nil || len(steps) == 0 {
		return false, err
	}
	last := stepDir(dir, steps[len(steps)-1])
	s, err := r.read(last)
	if err != nil && len(steps) > 1 {
		return false, fmt.Errorf("resume: %w; where %s is damaged, remove it to go on from step %d", err, last, steps[len(steps)-2])
	}
	if err != nil {
		return false, fmt.Errorf("resume: %w", err)
	}
	switch {
	case s.Step > r.order.steps:
		return false, fmt.Errorf("resume: the run in %s has taken %d steps, and train.Options.Steps or train.Options.Epochs ask for %d in all: ask for as many or more, or name another train.Options.Out", r.o.Out, s.Step, r.order.steps)
	case s.Step == r.order.steps:
		r.note(fmt.Sprintf("the run in %s had taken all its %d steps: nothing is left to learn; %s", r.o.Out, s.Step, r.goOn()))
	}
	r.opt.Steps, r.saved = s.Step, s.Step
	if s.Best != nil {
		r.best = *s.Best
	}
	return true, nil
}

// read takes the parameters and the optimizer's moments from the checkpoint in dir.
func (r *run) read(dir string) (s state, err error) {
	file := filepath.Join(dir, stateName)
	data, err := disk.Read(file, disk.JSONLimit)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	if s.Run != r.digest {
		return s, r.other(dir, s)
	}
	if err := load(filepath.Join(dir, paramsName), func(get func(name string, to kernels.Buffer)) {
		for _, p := range r.params {
			get(p.Name, p.Value)
		}
	}); err != nil {
		return s, err
	}
	if err := r.m.Learner().RefreshDoRA(); err != nil {
		return s, err
	}
	return s, load(filepath.Join(dir, optimizerName), func(get func(name string, to kernels.Buffer)) {
		for i, p := range r.params {
			get("first."+p.Name, r.opt.first[i])
			get("second."+p.Name, r.opt.second[i])
		}
		get(stepsName, kernels.HostBuffer(r.opt.own))
	})
}

// load copies float32 tensors out of a file, to a device or to the host.
func load(path string, each func(get func(name string, to kernels.Buffer))) (err error) {
	f, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	defer weights.CatchFaults(&err)()
	each(func(name string, to kernels.Buffer) {
		t, e := f.Tensor(name)
		if e == nil && (t.DType != weights.F32 || t.Len() != to.Len()) {
			e = fmt.Errorf("%s: tensor %q is %s of %d elements, not F32 of %d", path, name, t.DType, t.Len(), to.Len())
		}
		if e != nil {
			err = errors.Join(err, e)
			return
		}
		if e := fill(to, func(x []float32) { copy(x, t.F32()) }); e != nil {
			err = errors.Join(err, e)
		}
	})
	return err
}
