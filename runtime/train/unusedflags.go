package train

import (
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights/option"
)

// refuse is an error if the user gave one of the fields of Options.
func (r *run) refuse(why string, fields ...string) error {
	for _, name := range fields {
		if field := optionsName + name; r.o.Given[field] {
			return &UsageError{&option.Error{Field: field, Fault: fmt.Sprintf("%s would change nothing: %s", field, why), Want: "leave it away"}}
		}
	}
	return nil
}

// optionsName is how errors begin the name of a field of Options.
const optionsName = "train.Options."

// reached is what the losses of all training records depend on.
func (r *run) reached() (c reach) {
	for i := range r.train {
		l := loupe.Example{}
		if r.train[i].Critique != "" {
			l.Labels = []int{}
		}
		if r.m.Head != nil {
			_, l.Present = r.train[i].values(r.m.Head)
		}
		c.add(l, r.o.ScoreWeight)
	}
	return c
}

// refuseMeasures refuses a BestBy that the evaluation records cannot measure.
func (r *run) refuseMeasures() error {
	words := slices.ContainsFunc(r.eval, func(rec Record) bool { return rec.Critique != "" })
	scores := r.m.Head != nil && slices.ContainsFunc(r.eval, func(rec Record) bool { return rec.taught(r.m.Head) })
	switch {
	case r.o.BestBy == "" || r.o.BestBy == BestByLoss:
		return nil
	case r.o.BestBy == "lm_loss" && !words:
		return r.refuse("no record for evaluation has a critique, so that every measurement has the same lm_loss", "BestBy")
	case r.o.BestBy != "lm_loss" && !scores:
		return r.refuse("no record for evaluation has a score or another target of the score head, so that no measurement tells of it", "BestBy")
	}
	return nil
}

// noteUnused notes options that change nothing with these data.
func (r *run) noteUnused(ratings int) {
	if r.o.Given[optionsName+"Raters"] && ratings == len(r.records) {
		r.note("train.Options.Raters changes nothing: no picture that is asked one question has several records")
	}
	if r.o.Given[optionsName+"Seed"] && r.o.HeadOnly && r.agreement == nil && len(r.o.HeadHidden) == 0 && (r.m.Head == nil || len(r.m.Head.Config.Hidden) == 0) && (r.o.EvalSplit == 0 || !slices.ContainsFunc(r.records, func(rec Record) bool { return rec.Split == "" })) {
		r.note("train.Options.Seed changes nothing: a fit in closed form of records whose split is given draws nothing")
	}
}

// refuseRates refuses learning rates with which nothing learns.
func (r *run) refuseRates() error {
	if len(r.train) == 0 {
		return nil // a plan from a shape
	}
	c := r.reached()
	common, any := false, false
	for _, part := range Parts {
		name, learns := map[Part]string{Vision: "VisionLR", Merger: "MergerLR", Decoder: "DecoderLR", ScoreHead: "HeadLR"}[part], false
		for _, p := range r.params {
			learns = learns || p.Part() == part && c.of(r.m, p)
		}
		own := r.o.own(part)
		common, any = common || learns && own == nil, any || learns
		if !learns && own != nil && *own > 0 {
			if err := r.refuse("nothing of that part learns, since it has no branch, is frozen, or no loss depends on it", name); err != nil {
				return err
			}
		}
	}
	switch {
	case !any && r.o.ScoreWeight == 0:
		return &UsageError{&option.Error{Field: "train.Options.ScoreWeight", Value: 0, Fault: "nothing would learn: train.Options.ScoreWeight is 0, and no record to learn from has a critique", Want: "give a weight above 0"}}
	case !any:
		return &UsageError{&option.Error{Field: "train.Options.Freeze", Value: r.o.Freeze, Fault: "nothing would learn: what the losses depend on is frozen or has no branch", Want: "take train.Options.Freeze away, or give train.LoRAOptions.Targets"}}
	}
	if r.o.ScoreWeight == 0 {
		if err := r.refuse("train.Options.ScoreWeight is 0: no score is learned", "ScoreLoss", "HeadLR"); err != nil {
			return err
		}
	}
	if !common {
		return r.refuse("each part that learns has a rate of its own", "LR")
	}
	if !c.words {
		r.note("no record to learn from has a critique: nothing learns but what the score depends on")
	}
	return nil
}
