package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loupe-vl/loupe/weights/option"
)

// newHead gives a model without a score head one for the numbers that the records hold, if any.
func (r *run) newHead() (fresh bool, err error) {
	if r.m.Head != nil {
		return false, r.reuseHead()
	}
	cfg, any := headFor(r.train, r.o.ScoreRange)
	if !any {
		return false, r.refuse("no record to learn from has a score or a target, and the model has no score head", "ScoreWeight", "ScoreLoss", "HeadLR", "HeadHidden", "HeadInit", "ScoreRange", "Raters")
	}
	cfg.Hidden = r.o.HeadHidden
	if err := r.m.Learner().NewHead(cfg); err != nil {
		return false, err
	}
	if err := initHidden(r.m.Learner().DeviceOf(scoreHead), r.m.Head, r.o.Seed); err != nil {
		return false, err
	}
	r.noteUntaught()
	return true, nil
}

// noteUntaught notes targets that only evaluation records have: a new head does not have them.
func (r *run) noteUntaught() {
	known := r.m.Targets()
	lacking := slices.DeleteFunc(targetNames(r.records), func(name string) bool { return slices.Contains(known, name) })
	if len(lacking) > 0 {
		r.note(fmt.Sprintf("no record to learn from has the target %s, which records for evaluation have: the new head does not tell it, and it is judged by nothing", strings.Join(lacking, ", ")))
	}
}

// reuseHead goes on with the score head that is there.
func (r *run) reuseHead() error {
	switch {
	case len(r.o.HeadHidden) > 0:
		return &UsageError{&option.Error{Field: "train.Options.HeadHidden", Value: r.o.HeadHidden, Fault: "train.Options.HeadHidden makes a new score head, and the model has one", Want: "leave it away, or take score_head.json from beside the model or the adapter"}}
	case r.o.HeadInit != "":
		return &UsageError{&option.Error{Field: "train.Options.HeadInit", Value: r.o.HeadInit, Fault: "train.Options.HeadInit is how a new score head begins, and the model has one", Want: "leave it away, or take score_head.json from beside the model or the adapter"}}
	}
	if len(r.o.ScoreRange) == 2 {
		rescale(r.m.Head, r.o.ScoreRange[0], r.o.ScoreRange[1], r.train)
	}
	for _, said := range reuse(r.m.Head, r.train) {
		r.note(said)
	}
	if !slices.ContainsFunc(r.train, func(rec Record) bool { return rec.taught(r.m.Head) }) {
		return r.refuse("no record to learn from has a target of the score head", "ScoreWeight", "ScoreLoss", "HeadLR", "ScoreRange", "Raters")
	}
	return nil
}

// UsageError is an error that another command line mends.
type UsageError struct{ error }

// Unwrap is the error.
func (e *UsageError) Unwrap() error { return e.error }

// learners collects the parameters that learn, as the options say.
func (r *run) learners() (err error) {
	r.paramBuilder.frozen = newFrozenSet(r.o.Freeze)
	r.paramBuilder.of = r.m.Learner().DeviceOf
	for _, p := range Parts {
		r.paramBuilder.frozen.parts[p] = r.o.partRate(p) == 0
	}
	what := "the branches of the linear maps, and the score head"
	if r.o.Full {
		what = "every weight, and the score head"
		if p := r.m.Settings().Precision; p != "exact" {
			return &UsageError{&option.Error{Field: "train.Options.Full", Value: true, Fault: fmt.Sprintf("train.Options.Full learns the weights in float32, and Options.Precision %s has rounded them", p), Want: "leave one of the two away"}}
		}
		if r.m.Adapter != nil {
			return &UsageError{&option.Error{Field: "train.Options.Full", Value: true, Fault: "train.Options.Full and Options.Adapter do not go together", Want: "merge the adapter first, or train it without train.Options.Full"}}
		}
		if r.params, err = r.paramBuilder.full(r.m); err != nil {
			return err
		}
	} else {
		r.o.LoRA.Seed, r.o.LoRA.Freeze = r.o.Seed, r.o.Freeze
		if r.params, err = r.paramBuilder.lora(r.m, r.o.LoRA); err != nil {
			return err
		}
	}
	head, err := r.paramBuilder.head(r.m)
	if err != nil {
		return err
	}
	if r.m.Head != nil {
		kept(r.m.Head, head, r.train)
	}
	r.params = append(r.params, head...)
	if err := r.paramBuilder.frozen.check(what); err != nil {
		return err
	}
	if err := r.refuseRates(); err != nil {
		return err
	}
	if len(r.params) == 0 {
		return &option.Error{Field: "train.Options.Freeze", Value: r.o.Freeze, Fault: "nothing would learn: train.Options.Freeze and learning rates of 0 leave nothing"}
	}
	return nil
}
