package main

import (
	"errors"
	"fmt"
	"math"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/spf13/cobra"
)

// Flags of train: those of LoRA branches, and those of the gradient descent that --head-only runs for a head with hidden
// layers.
var (
	branchFlags  = []string{"lora-rank", "lora-alpha", "lora-dropout", "rslora", "dora", "lora-target", "train-modules"}
	descentFlags = []string{"epochs", "steps", "batch", "accumulate", "shuffle", "lr", "head-lr", "warmup", "schedule", "weight-decay", "clip", "score-loss"}
	// runFlags are flags of a training run that --head-only never uses.
	runFlags = []string{"full", "freeze", "vision-lr", "merger-lr", "decoder-lr", "score-weight", "head-init", "eval-every", "patience", "best-by", "resume", "checkpoint-every", "checkpoint-activations"}
	// shapeFlags are the flags that a plan from a shape depends on.
	shapeFlags = []string{"shape", "dry-run", "picture-tokens", "full", "lora-rank", "lora-dropout", "dora", "lora-target", "train-modules", "freeze", "checkpoint-activations", "json"}
)

// checkFlags refuses flags that would change nothing, and numbers out of range.
func (f *trainFlags) checkFlags(cmd *cobra.Command) error {
	given, o := cmd.Flags().Changed, &f.options
	switch {
	case given("steps") && o.Steps < 1:
		return usageError{fmt.Errorf("--steps is %d; give 1 or more, or leave it away for --epochs", o.Steps)}
	case given("epochs") && o.Epochs < 1:
		return usageError{fmt.Errorf("--epochs is %d; give 1 or more", o.Epochs)}
	case given("lora-alpha") && !(o.LoRA.Alpha > 0 && !math.IsInf(o.LoRA.Alpha, 0)):
		return usageError{fmt.Errorf("--lora-alpha is %v; give a finite number above 0, or leave it away for twice the rank", o.LoRA.Alpha)}
	}
	var errs []error
	check := func(when bool, why string, names ...string) {
		if when {
			errs = append(errs, refuseFlags(cmd, why, names...))
		}
	}
	check(given("steps"), "--steps says how long the run is", "epochs")
	check(f.shape == "", "it is the size of the picture of --shape", "picture-tokens")
	check(o.HeadOnly, "--head-only leaves the model as it is and fits the score head in one pass", append(runFlags, branchFlags...)...)
	check(o.Full, "--full has no branches, every weight learns", branchFlags...)
	check(o.HeadOnly && given("head-lr"), "with --head-only nothing but the score head learns, and --head-lr is its rate", "lr")
	check(o.EvalEvery == 0, "it chooses between measurements, and there are none without --eval-every", "best-by")
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	o.Given = givenOptions(cmd, "train.")
	return nil
}

// checkModel refuses flags that would change nothing for this model.
func (f *trainFlags) checkModel(cmd *cobra.Command, m *loupe.Model) error {
	o := &f.options
	if o.HeadOnly {
		if len(o.HeadHidden) > 0 || m.Head != nil && len(m.Head.Config.Hidden) > 0 {
			return nil
		}
		return refuseFlags(cmd, "--head-only fits a score head without hidden layers in closed form, with no step and no rate", descentFlags...)
	}
	a := m.Adapter
	if a == nil {
		return nil
	}
	for _, c := range []struct {
		flag        string
		same        bool
		asked, here any
	}{
		{"lora-rank", o.LoRA.Rank == a.Rank, o.LoRA.Rank, a.Rank}, {"lora-alpha", o.LoRA.Alpha == a.Alpha, o.LoRA.Alpha, a.Alpha},
		{"lora-dropout", o.LoRA.Dropout == a.Dropout, o.LoRA.Dropout, a.Dropout}, {"rslora", o.LoRA.RSLoRA == a.RSLoRA, o.LoRA.RSLoRA, a.RSLoRA},
		{"dora", o.LoRA.DoRA == a.DoRA, o.LoRA.DoRA, a.DoRA},
	} {
		if cmd.Flags().Changed(c.flag) && !c.same {
			return usageError{fmt.Errorf("--%s is %v, and the branches of --adapter, which go on learning, have %v: leave it away, or begin new branches without --adapter", c.flag, c.asked, c.here)}
		}
	}
	if cmd.Flags().Changed("lora-target") {
		return usageError{errors.New("--lora-target would change nothing: the branches of --adapter go on learning, and none is added; leave it away")}
	}
	return nil
}
