package tensor

// Tape remembers the operations of a run, so that Backward can go through them the other way (reverse-mode
// differentiation). An operation whose result depends on nothing that learns is not remembered.
//
// Gradients are accumulated, never overwritten, in the order in which the tape runs backward, and within an operation in
// its written order: like results, they do not depend on threads.
type Tape struct {
	// Recompute lets Scope forget what happens inside a block and compute it again when its gradient is due: memory for one
	// block in place of all. What the block's linear maps and attention gave is kept, unless hooks may change it, since that
	// is most of the time and a third of the memory. It changes no bit.
	Recompute bool
	// All asks for the gradient of every tensor that passes, and not of those alone that depend on what learns.
	All bool

	ops []taped
}

// taped is an operation's backward, which runs on the device that the operation ran on.
type taped struct {
	on       int
	backward func()
}

// GradHooks are Hooks that also see gradients.
type GradHooks interface {
	Hooks
	// WantsGrad reports whether SeeGrad is to be called with the gradient of what passes through p, of this shape.
	WantsGrad(p Point, shape []int) bool
	// SeeGrad is given the gradient of what passed through p, after its edits. The data are dense and belong to the hooks.
	SeeGrad(p Point, shape []int, data []float32)
}

// Record makes the run remember its operations on t; nil ends it.
func (r *Run) Record(t *Tape) { r.tape = t }

// Backward goes through the operations that were recorded, the last one first, and forgets them. Before it the gradients of
// the results that matter must have been set, by a loss or by hand.
func (r *Run) Backward() {
	t, on := r.tape, r.on
	r.tape = nil
	for i := len(t.ops) - 1; i >= 0; i-- {
		if r.Err() != nil {
			break
		}
		r.At(t.ops[i].on)
		mark := r.arena.Mark()
		t.ops[i].backward()
		r.arena.Release(mark)
	}
	r.At(on)
	t.ops = nil
	r.tape = t
}

// record appends the backward of an operation that was just computed.
func (r *Run) record(backward func()) { r.tape.ops = append(r.tape.ops, taped{r.on, backward}) }

// taping reports whether an operation on these inputs is to be recorded: one of them has a gradient, or learns is set.
func (r *Run) taping(learns bool, inputs ...Tensor) bool {
	if r.tape == nil {
		return false
	}
	for _, x := range inputs {
		learns = learns || x.HasGrad()
	}
	return learns || r.tape.All
}

// WithGrad is x with a gradient of zeros, unless it has one: a result, or an input whose gradient is wanted.
func (r *Run) WithGrad(x Tensor) Tensor {
	if !x.HasGrad() {
		grad, err := r.arena.Floats(x.Data.Len())
		r.check(err)
		if x.Grad = grad; r.Err() == nil {
			r.dev.Clear(grad.Row())
		}
	}
	return x
}

// Input is x with a gradient, if the tape wants all of them, in memory that an intervention may change.
func (r *Run) Input(x Tensor) Tensor {
	if r.tape == nil || !r.tape.All {
		return x
	}
	return r.WithGrad(r.Copy(x))
}

// recomputed is Scope with a tape that recomputes: the block runs unrecorded, and again, recorded, when its gradient is due.
func (r *Run) recomputed(x Tensor, block func(x Tensor) Tensor) Tensor {
	tape := r.tape
	if tape.All {
		x = r.WithGrad(x)
	}
	out := r.WithGrad(r.New(x.Rows, x.Cols))
	first, prompt, pass := r.FirstRow, r.PromptRows, r.Pass
	var saved *savedActivations
	if r.hooks == nil {
		saved = newSavedActivations(r.arena.Kept())
	}
	inside := func(t *Tape, then func(result Tensor)) {
		mark := r.arena.Mark()
		r.tape, r.FirstRow, r.PromptRows, r.Pass = t, first, prompt, pass
		r.saved = saved
		result := block(x)
		r.saved = nil
		if r.Err() == nil {
			then(result)
		}
		r.tape = tape
		r.arena.Release(mark)
	}
	inside(nil, func(result Tensor) { r.copyInto(out, result) })
	r.record(func() {
		saved.rewind()
		r.replaying = true
		inside(&Tape{All: tape.All}, func(result Tensor) {
			if result.HasGrad() {
				result.addGrad(r, out)
				r.Backward()
			}
		})
		r.replaying = false
		r.tape = nil
	})
	return out
}

// addGrad adds the gradient of out to that of t, if t has one: the backward of what passes numbers on as they are.
func (t Tensor) addGrad(r *Run, out Tensor) {
	if t.HasGrad() {
		r.dev.Add(t.grad(), t.grad(), out.grad())
	}
}
