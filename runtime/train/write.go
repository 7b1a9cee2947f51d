package train

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/train/metrics"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// Result is the result of a run.
type Result struct {
	Steps int       `json:"steps"`          // taken
	Kept  int       `json:"kept"`           // the step whose parameters were written: the last, or the best that was measured
	Last  *LogLine  `json:"last,omitempty"` // nil: no step was taken, and there is no log
	Eval  *EvalLine `json:"eval,omitempty"` // of the kept step; nil: none was measured
	Fit   *Fit      `json:"fit,omitempty"`  // of the score head, where it was fitted
	// Records are those learned from, of so many Pictures.
	Records  int `json:"records"`
	Pictures int `json:"pictures"`
	// Raters is how far several ratings of one picture agree, by target; nil where no picture has two.
	Raters map[string]*metrics.Agreement `json:"raters,omitempty"`
	// Device is what the run computed on; nil: a CPU.
	Device *loupe.DeviceInfo `json:"device,omitempty"`
}

// result begins a Result with what every run says of its data.
func (r *run) result() *Result {
	return &Result{Records: len(r.train), Pictures: r.trainPictures.Len(), Raters: r.agreement, Device: r.m.GPU()}
}

// finish writes the results: of the best step that was measured, or of the last.
func (r *run) finish(ctx context.Context) (*Result, error) {
	out := r.result()
	out.Steps, out.Kept, out.Fit = r.opt.Steps, r.opt.Steps, r.fit
	if r.best.Step >= 0 && r.best.Step != r.opt.Steps {
		out.Kept = r.best.Step
		if _, err := r.read(stepDir(filepath.Join(r.o.Out, checkpointsDir), r.best.Step)); err != nil {
			return nil, fmt.Errorf("go back to the best step: %w", err)
		}
	}
	if err := r.keepRange(ctx); err != nil {
		return nil, err
	}
	if err := r.write(); err != nil {
		return nil, err
	}
	steps, _, err := readLog(r.logPath(), func(LogLine) bool { return true })
	if err != nil {
		return nil, err
	}
	evals, _, err := readLog(r.evalsPath(), func(EvalLine) bool { return true })
	if err != nil {
		return nil, err
	}
	if len(steps) > 0 {
		out.Last = &steps[len(steps)-1]
	}
	for i := range evals {
		if evals[i].After == out.Kept {
			out.Eval = &evals[i]
		}
	}
	return out, drawCurves(r.o.Out, steps, evals)
}

// write puts the result into the output directory: the adapter or the whole model, the score head, and the optimizer's state.
func (r *run) write() error {
	model := slices.DeleteFunc(slices.Clone(r.params), func(p *Param) bool { return p.Part() == ScoreHead })
	out := func(name string) string { return filepath.Join(r.o.Out, name) }
	if r.o.Full {
		if err := r.writeModel(model); err != nil {
			return err
		}
	} else if err := r.writeAdapter(); err != nil {
		return err
	}
	if err := writeHead(r.o.Out, r.m); err != nil {
		return err
	}
	if err := writeTaught(r.o.Out, r.taught()); err != nil {
		return err
	}
	if err := weights.Write(out(optimizerName), r.opt.moments(r.params), nil); err != nil {
		return fmt.Errorf("write optimizer: %w", err)
	}
	return nil
}

// writeAdapter writes every branch of the model and every module that is saved in full, frozen ones too.
func (r *run) writeAdapter() error {
	if err := weights.Write(filepath.Join(r.o.Out, weights.AdapterWeightsName), adapterTensors(r.m), map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("write adapter: %w", err)
	}
	if err := weights.WriteAdapter(filepath.Join(r.o.Out, weights.AdapterConfigName), r.m.Adapter, baseOf(r.m.Dir), r.m.Config.Family()); err != nil {
		return fmt.Errorf("write adapter: %w", err)
	}
	return nil
}

// adapterTensors are the tensors of the model's adapter, under PEFT's names and in its shapes.
func adapterTensors(m *loupe.Model) []weights.Named {
	var out []weights.Named
	named := func(name string, w kernels.Placed) weights.Named {
		return fromWeight(name, []int{w.Rows, w.Cols}, w)
	}
	for _, l := range m.Learner().Adaptable() {
		if l.LoRA == nil {
			continue
		}
		part := func(part string) (string, []int) {
			return weights.AdapterName(l.Name, part), m.Learner().PartShape(l, part, l.LoRA.A.Rows)
		}
		name, shape := part(weights.PartA)
		out = append(out, fromWeight(name, shape, l.LoRA.A))
		name, shape = part(weights.PartB)
		out = append(out, fromWeight(name, shape, l.LoRA.B))
		if d := l.LoRA.DoRA; d != nil {
			name, shape = part(weights.PartMagnitude)
			out = append(out, fromBuffer(name, shape, d.Magnitude))
		}
	}
	const embed = "model.embed_tokens"
	if l := m.Decoder.EmbedLoRA; l != nil {
		out = append(out, later(weights.AdapterName(embed, weights.PartEmbedA), []int{l.A.Cols, l.A.Rows}, func() ([]float32, error) {
			a, err := kernels.WeightFloats(l.A)
			turned := make([]float32, len(a)) // PEFT keeps it with the ranks as rows
			for i, v := range a {
				turned[i%l.A.Cols*l.A.Rows+i/l.A.Cols] = v
			}
			return turned, err
		}), named(weights.AdapterName(embed, weights.PartEmbedB), l.B))
		if l.DoRA != nil {
			out = append(out, fromBuffer(weights.AdapterName(embed, weights.PartMagnitude), []int{l.DoRA.Magnitude.Len()}, l.DoRA.Magnitude))
		}
	}
	for _, s := range savedParts(m) {
		out = append(out, s.named(m))
	}
	for module, w := range map[string]kernels.Placed{embed: m.Decoder.Embed, "lm_head": m.Decoder.LMHead.W} { // that the adapter brought without naming them
		_, brought := m.Learner().Replaced(module + ".weight")
		switch name := weights.ModuleName(module); {
		case !brought || slices.Contains(m.Adapter.ModulesToSave, name):
		case slices.Contains(m.Adapter.TargetModules, name):
			out = append(out, named(weights.BesideBranch(module, weights.PartWeight), w))
		default:
			out = append(out, named(weights.AdapterName(module, weights.PartWeight), w))
		}
	}
	return out
}

// inHub matches the directory of a model in the hub's cache.
var inHub = regexp.MustCompile(`(?:^|/)models--([^/]+?)--([^/]+)/snapshots/[0-9a-f]+/?$`)

// baseOf names the model of a directory so that PEFT finds it from anywhere: by its name on the hub if it lies in the hub's
// cache, else by its absolute path.
func baseOf(dir string) string {
	if m := inHub.FindStringSubmatch(filepath.ToSlash(dir)); m != nil {
		return m[1] + "/" + m[2]
	}
	if path, err := filepath.Abs(dir); dir != "" && err == nil {
		return path
	}
	return dir
}

// writeHead writes the model's score head into dir, if it has one.
func writeHead(dir string, m *loupe.Model) error {
	if m.Head == nil {
		return nil
	}
	var tensors []weights.Named
	for _, l := range m.Head.Layers {
		tensors = append(tensors, fromWeight(l.Name+".weight", []int{l.W.Rows, l.W.Cols}, l.W), fromBuffer(l.Name+".bias", []int{l.Bias.Len()}, l.Bias))
	}
	if err := weights.Write(filepath.Join(dir, weights.ScoreHeadWeightsName), tensors, nil); err != nil {
		return fmt.Errorf("write score head: %w", err)
	}
	if err := weights.WriteScoreHead(filepath.Join(dir, weights.ScoreHeadConfigName), &m.Head.Config); err != nil {
		return fmt.Errorf("write score head: %w", err)
	}
	return nil
}

// heldOutName is the file of the records that were kept for evaluation, as eval takes it.
const heldOutName = "held-out.jsonl"

// writeHeldOut writes the evaluation records to a file that eval takes.
func (r *run) writeHeldOut() error {
	if len(r.heldOut) == 0 {
		return nil
	}
	err := disk.WriteFile(filepath.Join(r.o.Out, heldOutName), func(w io.Writer) error {
		out := json.NewEncoder(w)
		for i := range r.heldOut {
			if err := out.Encode(r.heldOut[i].heldOut(r.o.Out)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the records for evaluation: %w", err)
	}
	return nil
}

// writeModel writes a model directory: what learned in float32, what did not as it was, and the files beside the weights.
func (r *run) writeModel(learned []*Param) error {
	changed := map[string]*Param{}
	for _, p := range learned {
		changed[p.Name] = p
	}
	return writeModel(r.o.Out, r.m, "float32", false, func(t weights.Tensor) weights.Named {
		if p := changed[t.Name]; p != nil {
			return fromBuffer(t.Name, t.Shape, p.Value) // the shape of the file: patch_embed's has five dimensions
		}
		return weights.FromTensor(t.Name, t)
	})
}
