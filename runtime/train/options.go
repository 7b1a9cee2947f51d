package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
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
	// Given are the options that the user gave, by the names that errors have for them, as in "train.Options.HeadLR". One of them
	// that would change nothing is an error. nil: not known.
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

// Validate refuses what cannot be meant, by an [option.Error].
func (o Options) Validate() error {
	switch {
	case o.Data == "":
		return &option.Error{Field: "train.Options.Data", Want: "name a JSON Lines, JSON or CSV file, or a directory of one"}
	case o.Out == "":
		return &option.Error{Field: "train.Options.Out", Want: "name a directory"}
	case o.Epochs < 0 || o.Steps < 0 || o.Epochs+o.Steps == 0:
		return &option.Error{Field: "train.Options.Epochs", Value: o.Epochs, Fault: fmt.Sprintf("train.Options.Epochs is %d and train.Options.Steps %d", o.Epochs, o.Steps), Want: "give one of them above 0"}
	case o.Batch < 1 || o.Accumulate < 1:
		return &option.Error{Field: "train.Options.Batch", Value: o.Batch, Fault: fmt.Sprintf("train.Options.Batch is %d and train.Options.Accumulate %d", o.Batch, o.Accumulate), Want: "give numbers above 0"}
	case !(o.EvalSplit >= 0 && o.EvalSplit < 1):
		return &option.Error{Field: "train.Options.EvalSplit", Value: o.EvalSplit, Want: "give a part from 0 up to but without 1"}
	case o.CheckpointEvery < 0:
		return &option.Error{Field: "train.Options.CheckpointEvery", Value: o.CheckpointEvery, Want: "give 0 or a number of steps"}
	case o.EvalEvery < 0 || o.Patience < 0:
		return &option.Error{Field: "train.Options.EvalEvery", Value: o.EvalEvery, Fault: fmt.Sprintf("train.Options.EvalEvery is %d and train.Options.Patience %d", o.EvalEvery, o.Patience), Want: "give 0 or numbers above it"}
	case o.Patience > 0 && o.EvalEvery == 0:
		return &option.Error{Field: "train.Options.Patience", Value: o.Patience, Fault: "train.Options.Patience counts measurements, and there are none", Want: "give train.Options.EvalEvery too"}
	case (o.Full || o.HeadOnly) && (o.LoRA.DoRA || len(o.LoRA.Modules) > 0):
		return &option.Error{Field: "train.LoRAOptions.DoRA", Value: o.LoRA.DoRA, Fault: "train.LoRAOptions.DoRA and train.LoRAOptions.Modules are of adapters", Want: "they do not go together with train.Options.Full or train.Options.HeadOnly"}
	case o.BestBy != "" && !slices.Contains(BestMeasures, o.BestBy):
		return &option.Error{Field: "train.Options.BestBy", Value: o.BestBy, Want: "give one of " + strings.Join(BestMeasures, ", ")}
	case o.HeadOnly && (o.Full || len(o.Freeze) > 0):
		return &option.Error{Field: "train.Options.HeadOnly", Value: true, Fault: "train.Options.HeadOnly leaves the model as it is", Want: "it does not go together with train.Options.Full or train.Options.Freeze"}
	}
	return errors.Join(o.validateRates(), o.validateHead(), o.Schedule.Validate())
}

func (o Options) validateRates() error {
	for _, f := range []struct {
		field string
		value *float64
	}{
		{"train.Options.LR", &o.LR}, {"train.Options.VisionLR", o.VisionLR}, {"train.Options.MergerLR", o.MergerLR}, {"train.Options.DecoderLR", o.DecoderLR}, {"train.Options.HeadLR", o.HeadLR},
		{"train.Options.Decay", &o.Decay}, {"train.Options.Clip", &o.Clip}, {"train.Options.ScoreWeight", &o.ScoreWeight},
	} {
		if f.value != nil && (!(*f.value >= 0) || math.IsInf(*f.value, 0)) {
			return &option.Error{Field: f.field, Value: *f.value, Want: "give a finite number that is not negative"}
		}
	}
	for _, p := range Parts {
		if o.partRate(p) > 0 {
			return nil
		}
	}
	return &option.Error{Field: "train.Options.LR", Value: o.LR, Fault: "train.Options.LR is 0 and so is the rate of every part: nothing would learn", Want: "give a rate above 0"}
}

func (o Options) validateHead() error {
	switch {
	case o.Raters != "" && !slices.Contains(RaterModes, o.Raters):
		return &option.Error{Field: "train.Options.Raters", Value: o.Raters, Want: "give mean or each"}
	case o.ScoreLoss != "" && !slices.Contains(ScoreLosses, o.ScoreLoss):
		return &option.Error{Field: "train.Options.ScoreLoss", Value: o.ScoreLoss, Want: "give squared, huber or rank"}
	case o.ScoreLoss == PairwiseLoss && o.Batch*o.Accumulate < 2:
		return &option.Error{Field: "train.Options.ScoreLoss", Value: o.ScoreLoss, Fault: "train.Options.ScoreLoss rank compares the records of a step", Want: "give train.Options.Batch 2 or more"}
	case o.HeadInit != "" && o.HeadInit != "zero" && o.HeadInit != ridgeInit:
		return &option.Error{Field: "train.Options.HeadInit", Value: o.HeadInit, Want: "give zero or ridge"}
	case len(o.ScoreRange) != 0 && (len(o.ScoreRange) != 2 || !(o.ScoreRange[0] < o.ScoreRange[1])):
		return &option.Error{Field: "train.Options.ScoreRange", Value: o.ScoreRange, Want: "give the least and the most, as in 0,10"}
	case slices.ContainsFunc(o.HeadHidden, func(n int) bool { return n < 1 || n > 1<<16 }) || len(o.HeadHidden) > 16:
		return &option.Error{Field: "train.Options.HeadHidden", Value: o.HeadHidden, Want: "give up to 16 widths from 1 to 65536, as in 64,32"}
	}
	return nil
}
