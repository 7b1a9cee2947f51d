package tensor

import "strconv"

// Point names a tap point after the Hugging Face module path: Module "visual.blocks.7" and Name "attn.probs", with Index
// 2 for the third image, is "visual.blocks.7.attn.probs.2". It is kept in parts so that naming costs nothing when nobody
// asked.
type Point struct {
	Module, Name string
	Index        int    // -1: none
	suffix       string // of Name, after a dot
	// Pass tells apart the passes of a run in which a point comes twice: see Run.Pass. It is no part of the name.
	Pass string
}

// At is the point name of module.
func At(module, name string) Point { return Point{Module: module, Name: name, Index: -1} }

// Sub is the point with a suffix appended to its name.
func (p Point) Sub(suffix string) Point {
	if p.suffix != "" {
		p.Name += "." + p.suffix
	}
	p.suffix = suffix
	return p
}

// String is the full name.
func (p Point) String() string {
	s := p.Module
	if p.Name != "" {
		s += "." + p.Name
	}
	if p.suffix != "" {
		s += "." + p.suffix
	}
	if p.Index >= 0 {
		s += "." + strconv.Itoa(p.Index)
	}
	return s
}

// Hooks see what passes through the tap points of a run, and may change it. A run calls them at every point; nil Hooks are never called.
type Hooks interface {
	// Edits lists the changes to make at p, in order; nil for none.
	Edits(p Point) []Edit
	// Wants reports whether See is to be called at p, with a tensor of this shape. On a device that computes nothing it never is.
	Wants(p Point, shape []int) bool
	// See is given what passes through p, after its edits. The data are dense, of the given shape, and belong to the hooks.
	See(p Point, shape []int, data []float32)
}

// Tap passes x, (rows, cols), through point p: edits are applied in place, then the hooks see a copy.
func (r *Run) Tap(p Point, x Tensor) Tensor { return r.TapHeads(p, x, 1) }

// TapHeads is Tap for a tensor whose columns are heads groups of equal width, so that an edit may name one head.
func (r *Run) TapHeads(p Point, x Tensor, heads int) Tensor {
	if r.hooks == nil || r.Err() != nil {
		return x
	}
	return r.tap(p, x, heads)
}

// tap is TapHeads with hooks. It is a function of its own so that p and x are not allocated where there is none.
func (r *Run) tap(p Point, x Tensor, heads int) Tensor {
	p.Pass = r.Pass
	if r.dev.Computes() {
		for _, e := range r.hooks.Edits(p) {
			r.Edit(p, e, x, heads)
			if r.taping(false, x) {
				r.record(func() { r.editBackward(p, e, x, heads) })
			}
		}
	}
	shape := r.shapeOf(x)
	if r.wants(p, shape) && r.dev.Computes() && !r.idle() {
		if parts, ok := r.hooks.(PartHooks); ok {
			r.inParts(parts.SeePart, p, x)
		} else if data := r.Download(x).Floats(); !r.idle() {
			r.hooks.See(p, shape, data)
		}
	}
	if watcher, ok := r.hooks.(GradHooks); ok && r.taping(false, x) && watcher.WantsGrad(p, shape) {
		r.record(func() {
			if parts, ok := watcher.(GradPartHooks); ok {
				r.inParts(parts.SeeGradPart, p, x.gradTensor())
			} else if data := r.Download(x.gradTensor()).Floats(); !r.idle() {
				watcher.SeeGrad(p, shape, data)
			}
		})
	}
	return x
}

// wants reports whether the hooks are to see a tensor: they are not shown one again when a block is computed again.
func (r *Run) wants(p Point, shape []int) bool { return !r.replaying && r.hooks.Wants(p, shape) }
