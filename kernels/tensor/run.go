package tensor

import (
	"context"

	"github.com/loupe-vl/loupe/kernels"
)

// Run is one pass through (a part of) the model: it knows the device, the memory, who watches and whether to go on, so
// that the model does not have to. It is not for concurrent use; concurrent requests have a run each.
type Run struct {
	ctx   context.Context
	dev   kernels.Device // that operations run on now, and its memory
	arena *Arena
	on    int              // which of devs that is
	devs  []kernels.Device // see Spread; nil: there is one
	home  *Arena           // of the first device, which knows those of the others
	hooks Hooks
	err   error
	// searches are those of Finite whose results are not known yet.
	searches *searches
	tape     *Tape // nil: nothing is recorded
	// rowsOf and firstOf are set while the tensors that pass are some rows of larger ones: see Rows.
	rowsOf, firstOf int
	// replaying marks a block that is computed again for its gradient: its taps were seen before.
	replaying bool
	saved     *savedActivations // of the block that is computed, where they are kept; nil: they are not

	// FirstRow is the position in the sequence of row 0 of the tensors that pass, and PromptRows the number of rows of the
	// whole prompt: edits address rows of the sequence, whichever chunk or step they fall in. Both are 0 for the vision
	// tower, whose tensors are always whole.
	FirstRow, PromptRows int
	// MoreRows is how many rows may come after the prompt's: edits may name them before they are there.
	MoreRows int
	// DropoutSeed seeds the dropout of branches that learn; 0: none is dropped.
	DropoutSeed uint64
	// Pass names the part of the run that goes on, where parts pass the same points: the vision tower over images and again
	// over videos.
	Pass string
	// Sequences are those of a batch, whose rows pass one after the other; nil where one sequence runs alone. A row that is not finite
	// is then the end of its own sequence, and of no other.
	Sequences []SequenceRows
}

// SequenceRows are the rows of one sequence in a batch.
type SequenceRows struct {
	Rows  int   // how many pass
	First int   // position in the sequence of the first of them
	Err   error // what went wrong; the sequence's rows mean nothing then
}

// NewRun begins a run on a device with memory from arena. hooks may be nil.
func NewRun(ctx context.Context, dev kernels.Device, arena *Arena, hooks Hooks) *Run {
	r := new(Run)
	r.Begin(ctx, dev, arena, hooks)
	return r
}

// Begin makes r, whose run is over, one that NewRun returns.
func (r *Run) Begin(ctx context.Context, dev kernels.Device, arena *Arena, hooks Hooks) {
	arena.on(dev)
	arena.searches.forget()
	*r = Run{ctx: ctx, dev: dev, arena: arena, home: arena, hooks: hooks, searches: &arena.searches}
}

// idle reports whether operations are to do nothing: after an error.
func (r *Run) idle() bool { return r.Err() != nil }

// Err is the first thing that went wrong: the tensors of a run with an error mean nothing. Whether all of them are finite is known after a
// download or Synchronize.
func (r *Run) Err() error {
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	return r.err
}

// Fail records err unless something went wrong before it.
func (r *Run) Fail(err error) {
	if r.err == nil {
		r.read(nil) // a number that is not finite came before
	}
	if r.err == nil {
		r.err = err
	}
}

// check fails the run with what went wrong on its device, if anything did.
func (r *Run) check(err error) {
	if err != nil {
		r.Fail(err)
	}
}

// New is a dense tensor of (rows, cols) from the run's memory, contents undefined.
func (r *Run) New(rows, cols int) Tensor {
	data, err := r.arena.Floats(rows * cols)
	r.check(err)
	return dense(rows, cols, data)
}

// Scope runs one block, which maps the residual stream x to a tensor of the same shape, and gives the block's memory
// back: the result takes the place of x. With a tape the block's tensors are kept, or computed again when their gradient is
// due.
func (r *Run) Scope(x Tensor, block func(x Tensor) Tensor) Tensor {
	return ScopeWith(r, x, block, func(block func(x Tensor) Tensor, x Tensor) Tensor { return block(x) })
}

// ScopeWith is Scope for a block that captures nothing and is given what it works with: nothing is allocated where no gradient is due.
func ScopeWith[T any](r *Run, x Tensor, with T, block func(with T, x Tensor) Tensor) Tensor {
	if r.tape != nil {
		if r.tape.Recompute {
			kept := with // of this branch alone, or it would always be allocated
			return r.recomputed(x, func(x Tensor) Tensor { return block(kept, x) })
		}
		return block(with, x)
	}
	mark := r.arena.Mark()
	out := block(with, x)
	r.copyInto(x, out)
	r.arena.Release(mark)
	return x
}
