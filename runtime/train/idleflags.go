package train

import (
	"errors"
	"fmt"
	"slices"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// refuse is an error if the user gave one of the flags.
func (r *run) refuse(why string, flags ...string) error {
	for _, name := range flags {
		if r.o.Given[name] {
			return &UsageError{fmt.Errorf("--%s would change nothing: %s; leave it away", name, why)}
		}
	}
	return nil
}

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

// refuseMeasures refuses a --best-by that the evaluation records cannot measure.
func (r *run) refuseMeasures() error {
	words := slices.ContainsFunc(r.eval, func(rec Record) bool { return rec.Critique != "" })
	scores := r.m.Head != nil && slices.ContainsFunc(r.eval, func(rec Record) bool { return rec.taught(r.m.Head) })
	switch {
	case r.o.BestBy == "" || r.o.BestBy == BestByLoss:
		return nil
	case r.o.BestBy == "lm_loss" && !words:
		return r.refuse("no record for evaluation has a critique, so that every measurement has the same lm_loss", "best-by")
	case r.o.BestBy != "lm_loss" && !scores:
		return r.refuse("no record for evaluation has a score or another target of the score head, so that no measurement tells of it", "best-by")
	}
	return nil
}

// tellIdle notes flags that change nothing with these data.
func (r *run) tellIdle(ratings int) {
	if r.o.Given["raters"] && ratings == len(r.records) {
		r.note("--raters changes nothing: no picture that is asked one question has several records")
	}
	if r.o.Given["seed"] && r.o.HeadOnly && r.agreement == nil && len(r.o.HeadHidden) == 0 && (r.m.Head == nil || len(r.m.Head.Config.Hidden) == 0) && (r.o.EvalSplit == 0 || !slices.ContainsFunc(r.records, func(rec Record) bool { return rec.Split == "" })) {
		r.note("--seed changes nothing: a fit in closed form of records whose split is given draws nothing")
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
		name, learns := map[Part]string{Vision: "vision-lr", Merger: "merger-lr", Decoder: "decoder-lr", ScoreHead: "head-lr"}[part], false
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
		return &UsageError{errors.New("nothing would learn: --score-weight is 0, and no record to learn from has a critique; give a weight above 0")}
	case !any:
		return &UsageError{errors.New("nothing would learn: what the losses depend on is frozen or has no branch; take --freeze away, or give --lora-target")}
	}
	if r.o.ScoreWeight == 0 {
		if err := r.refuse("--score-weight is 0: no score is learned", "score-loss", "head-lr"); err != nil {
			return err
		}
	}
	if !common {
		return r.refuse("each part that learns has a rate of its own", "lr")
	}
	if !c.words {
		r.note("no record to learn from has a critique: nothing learns but what the score depends on")
	}
	return nil
}
