package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Options describe a training run. Its result depends on them, the data and the model alone.
type Options struct {
	Data        string  // JSON Lines, JSON, CSV, or a directory: see ReadData
	Columns     Columns `json:",omitempty"` // see ReadOptions
	ImageFolder string  `json:",omitempty"`
	Out         string  // directory

	Full   bool // every weight learns; else LoRA
	LoRA   LoRAOptions
	Freeze []string // patterns of what does not learn
	// HeadOnly fits a score head on the model's features of each picture and leaves the model as it is.
	HeadOnly bool `json:",omitempty"`
	// Recompute is activation checkpointing: it saves memory and changes no bit; see tensor.Tape. With AutoRecompute it is
	// set if keeping all activations would take more than MostKept.
	Recompute     bool
	AutoRecompute bool `json:",omitempty"`

	Epochs, Steps     int // Steps 0: as many as Epochs are
	Batch, Accumulate int // records of a step are Batch * Accumulate
	LR                float64
	// VisionLR, MergerLR, DecoderLR and HeadLR are the learning rates of those parts; nil: LR. A part with the rate 0 is
	// frozen.
	VisionLR, MergerLR, DecoderLR, HeadLR *float64 `json:",omitempty"`
	Decay, Clip                           float64
	ScoreWeight                           float64 // lambda of the joint loss
	Schedule                              Schedule
	EvalSplit                             float64
	Seed                                  uint64
	Shuffle                               bool

	// Raters says how several ratings of one picture are combined: one of RaterModes, "" for the first.
	Raters string `json:",omitempty"`
	// ScoreLoss is the loss between the head's outputs and the standardized targets: one of ScoreLosses, "" for the first.
	ScoreLoss string `json:",omitempty"`
	// ScoreRange is the range of a new score head, least and most; empty: 1 to 100, or that of the data where it is wider.
	ScoreRange []float64 `json:",omitempty"`
	// HeadHidden are the widths of the hidden layers of a new score head; none: one linear layer.
	HeadHidden []int `json:",omitempty"`
	// HeadInit says how a new head starts: "ridge" from a closed-form fit, "zero" or "" from 0.
	HeadInit string `json:",omitempty"`

	// EvalEvery is the number of steps between measurements on the evaluation records. At the end the parameters of the
	// best measurement are written. 0: none are made, and the last parameters are written.
	EvalEvery int `json:",omitempty"`
	// Patience is the number of measurements without a better one after which the run ends (early stopping); 0: it does
	// not.
	Patience int `json:",omitempty"`

	// BestBy is the measure by which a measurement is the best: one of BestMeasures, "" for the first.
	BestBy string `json:",omitempty"`
	// Given are the flags that the user gave, by name. One of them that would change nothing is an error. nil: not known.
	Given map[string]bool `json:"-"`

	Resume          bool
	CheckpointEvery int // steps; 0: at the end only
}

// The losses of the score head: mean squared error, Huber loss, and a pairwise ranking loss over the records of a step.
const (
	SquaredLoss  = "squared"
	HuberLoss    = "huber"
	PairwiseLoss = "rank"
)

// ScoreLosses are the names of the losses of the score head, the default first.
var ScoreLosses = []string{SquaredLoss, HuberLoss, PairwiseLoss}

// ridgeInit is the value of HeadInit that fits the head first.
const ridgeInit = "ridge"

// Validate refuses what cannot be meant, naming the flag.
func (o Options) Validate() error {
	switch {
	case o.Data == "":
		return errors.New("--data is missing: name a JSON Lines, JSON or CSV file, or a directory of one")
	case o.Out == "":
		return errors.New("--out is missing: name a directory")
	case o.Epochs < 0 || o.Steps < 0 || o.Epochs+o.Steps == 0:
		return fmt.Errorf("--epochs is %d and --steps %d; give one of them above 0", o.Epochs, o.Steps)
	case o.Batch < 1 || o.Accumulate < 1:
		return fmt.Errorf("--batch is %d and --accumulate %d; give numbers above 0", o.Batch, o.Accumulate)
	case !(o.EvalSplit >= 0 && o.EvalSplit < 1):
		return fmt.Errorf("--eval-split is %v; give a part from 0 up to but without 1", o.EvalSplit)
	case o.CheckpointEvery < 0:
		return fmt.Errorf("--checkpoint-every is %d; give 0 or a number of steps", o.CheckpointEvery)
	case o.EvalEvery < 0 || o.Patience < 0:
		return fmt.Errorf("--eval-every is %d and --patience %d; give 0 or numbers above it", o.EvalEvery, o.Patience)
	case o.Patience > 0 && o.EvalEvery == 0:
		return errors.New("--patience counts measurements, and there are none: give --eval-every too")
	case (o.Full || o.HeadOnly) && (o.LoRA.DoRA || len(o.LoRA.Modules) > 0):
		return errors.New("--dora and --train-modules are of adapters: they do not go together with --full or --head-only")
	case o.BestBy != "" && !slices.Contains(BestMeasures, o.BestBy):
		return fmt.Errorf("--best-by %q is unknown; give one of %s", o.BestBy, strings.Join(BestMeasures, ", "))
	case o.HeadOnly && (o.Full || len(o.Freeze) > 0):
		return errors.New("--head-only leaves the model as it is: it does not go together with --full or --freeze")
	}
	return errors.Join(o.validateRates(), o.validateHead(), o.Schedule.Validate())
}

func (o Options) validateRates() error {
	for _, f := range []struct {
		flag  string
		value *float64
	}{
		{"lr", &o.LR}, {"vision-lr", o.VisionLR}, {"merger-lr", o.MergerLR}, {"decoder-lr", o.DecoderLR}, {"head-lr", o.HeadLR},
		{"weight-decay", &o.Decay}, {"clip", &o.Clip}, {"score-weight", &o.ScoreWeight},
	} {
		if f.value != nil && (!(*f.value >= 0) || math.IsInf(*f.value, 0)) {
			return fmt.Errorf("--%s is %v; give a finite number that is not negative", f.flag, *f.value)
		}
	}
	for _, p := range Parts {
		if o.partRate(p) > 0 {
			return nil
		}
	}
	return errors.New("--lr is 0 and so is the rate of every part: nothing would learn; give a rate above 0")
}

func (o Options) validateHead() error {
	switch {
	case o.Raters != "" && !slices.Contains(RaterModes, o.Raters):
		return fmt.Errorf("--raters %q is unknown; give mean or each", o.Raters)
	case o.ScoreLoss != "" && !slices.Contains(ScoreLosses, o.ScoreLoss):
		return fmt.Errorf("--score-loss %q is unknown; give squared, huber or rank", o.ScoreLoss)
	case o.ScoreLoss == PairwiseLoss && o.Batch*o.Accumulate < 2:
		return errors.New("--score-loss rank compares the records of a step: give --batch 2 or more")
	case o.HeadInit != "" && o.HeadInit != "zero" && o.HeadInit != ridgeInit:
		return fmt.Errorf("--head-init %q is unknown; give zero or ridge", o.HeadInit)
	case len(o.ScoreRange) != 0 && (len(o.ScoreRange) != 2 || !(o.ScoreRange[0] < o.ScoreRange[1])):
		return fmt.Errorf("--score-range is %s; give the least and the most, as in 0,10", withCommas(o.ScoreRange))
	case slices.ContainsFunc(o.HeadHidden, func(n int) bool { return n < 1 || n > 1<<16 }) || len(o.HeadHidden) > 16:
		return fmt.Errorf("--head-hidden is %s; give up to 16 widths from 1 to 65536, as in 64,32", withCommas(o.HeadHidden))
	}
	return nil
}

// withCommas is a list as a flag takes it.
func withCommas[T any](list []T) string {
	var words []string
	for _, v := range list {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ",")
}
