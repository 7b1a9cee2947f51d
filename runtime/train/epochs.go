package train

import (
	"fmt"
	"math/rand/v2"
)

// epochs is the order in which a run takes its records. An epoch takes each record once, so many to a step. The last step
// of an epoch takes what is left, and its loss is the mean over those, as with PyTorch's DataLoader without drop_last.
type epochs struct {
	records, each, steps int
	shuffle              bool
	seed                 uint64
}

// inOrder is the order of so many records.
func (r *run) inOrder(records int) epochs {
	e := epochs{records: records, each: r.o.Batch * r.o.Accumulate, steps: r.o.Steps, shuffle: r.o.Shuffle, seed: r.o.Seed}
	if e.steps == 0 {
		e.steps = r.o.Epochs * e.perEpoch()
	}
	return e
}

// perEpoch is the number of steps of an epoch.
func (e epochs) perEpoch() int { return (e.records + e.each - 1) / e.each }

// step lists the records of step n, by number from 0, and says how many records came before them.
func (e epochs) step(n int) (records []int, before int) {
	epoch, first := n/e.perEpoch(), n%e.perEpoch()*e.each
	last := min(first+e.each, e.records)
	before = epoch*e.records + first
	if e.shuffle {
		return rand.New(rand.NewPCG(e.seed, uint64(epoch))).Perm(e.records)[first:last], before
	}
	for i := first; i < last; i++ {
		records = append(records, i)
	}
	return records, before
}

// uneven says how the last step of an epoch differs from the others; "": it does not.
func (e epochs) uneven() string {
	rest := e.records % e.each
	switch {
	case e.records < e.each:
		return fmt.Sprintf("train.Options.Batch times train.Options.Accumulate is %d, and there are %d records: each step is an epoch and has all of them", e.each, e.records)
	case rest > 0:
		return fmt.Sprintf("%d records do not come out even in steps of %d: the last of the %d steps of every epoch has %d", e.records, e.each, e.perEpoch(), rest)
	}
	return ""
}
