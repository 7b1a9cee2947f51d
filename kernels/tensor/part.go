package tensor

// PartHooks are Hooks that take tensors in parts and keep none of their memory: what a run needs does not grow with what
// is looked at.
type PartHooks interface {
	Hooks
	// SeePart is called in place of See, with elements [at, at+len(data)) of what passes through p, row-major. The parts of
	// a tensor come in order, those of an attention's scores and probabilities in turns. The data are lent for the call.
	SeePart(p Point, shape []int, at int, data []float32)
}

// GradPartHooks are GradHooks that take gradients in parts.
type GradPartHooks interface {
	GradHooks
	// SeeGradPart is to SeeGrad what SeePart is to See.
	SeeGradPart(p Point, shape []int, at int, data []float32)
}

// partFloats bounds a part, where one row or head is not larger already (16 MiB). Tests make it smaller.
var partFloats = 1 << 22

// Rows runs f, whose tensors are rows from first on of tensors of n rows, for which it is called in their order: hooks that
// take parts are shown these rows as parts of the whole. Other hooks must not be looking. The memory that f takes is given back.
func (r *Run) Rows(first, n int, f func()) {
	defer r.arena.Release(r.arena.Mark())
	r.rowsOf, r.firstOf = n, first
	r.FirstRow += first
	f()
	r.FirstRow -= first
	r.rowsOf, r.firstOf = 0, 0
}

// shapeOf is the shape of x, or of the tensor of which it is some rows.
func (r *Run) shapeOf(x Tensor) []int {
	if r.rowsOf > 0 {
		return []int{r.rowsOf, x.Cols}
	}
	return []int{x.Rows, x.Cols}
}

// inParts shows x, (rows, cols), as it lies or, where its rows lie apart or not on the host, copied in parts.
func (r *Run) inParts(see func(p Point, shape []int, at int, data []float32), p Point, x Tensor) {
	shape, before := r.shapeOf(x), r.firstOf*x.Cols
	if x.Dense() && x.Data.OnHost() {
		see(p, shape, before, x.Floats())
		return
	}
	defer r.arena.Release(r.arena.Mark())
	step := max(1, partFloats/x.Cols)
	to := r.hostFloats(min(step, x.Rows) * x.Cols)
	for lo := 0; lo < x.Rows && !r.idle(); lo += step {
		part := x.Slice(lo, min(lo+step, x.Rows))
		data := to[:part.Rows*x.Cols]
		if r.download(data, part.array()); !r.idle() {
			see(p, shape, before+lo*x.Cols, data)
		}
	}
}
