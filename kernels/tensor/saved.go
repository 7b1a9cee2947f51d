package tensor

// savedActivations are the results of a block's linear maps and attention, in their order: what is kept of a block that is computed
// again for its gradient.
type savedActivations struct {
	memory  *Arena
	results []Tensor
	next    int  // of those that are taken again
	again   bool // the block is computed again
}

func newSavedActivations(memory *Arena) *savedActivations { return &savedActivations{memory: memory} }

// rewind makes the results come again, from the first.
func (p *savedActivations) rewind() {
	if p != nil {
		p.next, p.again = 0, true
	}
}

// product is memory for the result of a product, or with known the result itself, if the block was computed before.
func (r *Run) product(rows, cols int) (out Tensor, known bool) {
	p := r.saved
	switch {
	case p == nil || r.idle():
		return r.New(rows, cols), false
	case p.again && p.next < len(p.results):
		p.next++
		return p.results[p.next-1], true
	}
	data, err := p.memory.Floats(rows * cols)
	r.check(err)
	out = dense(rows, cols, data)
	p.results = append(p.results, out)
	return out, false
}
