package tensor

import (
	"slices"
	"testing"
)

// partWatcher is a watcher of values and gradients that takes them in parts, and puts the parts together.
type partWatcher struct {
	watcher
	parts int
	grads map[string]seen
}

func (w *partWatcher) SeePart(p Point, shape []int, at int, data []float32) {
	if w.saw == nil {
		w.saw = map[string]seen{}
	}
	w.put(w.saw, p, shape, at, data)
}

func (w *partWatcher) put(to map[string]seen, p Point, shape []int, at int, data []float32) {
	s := to[p.String()]
	if at != len(s.data) {
		panic("a part does not follow the one before it")
	}
	to[p.String()] = seen{shape, append(s.data, data...)}
	w.parts++
}

func (w *partWatcher) WantsGrad(Point, []int) bool { return true }
func (w *partWatcher) SeeGrad(Point, []int, []float32) {
	panic("a gradient comes whole")
}
func (w *partWatcher) SeeGradPart(p Point, shape []int, at int, data []float32) {
	if w.grads == nil {
		w.grads = map[string]seen{}
	}
	w.put(w.grads, p, shape, at, data)
}

// wholeWatcher sees values and gradients whole.
type wholeWatcher struct {
	watcher
	grads map[string]seen
}

func (w *wholeWatcher) WantsGrad(Point, []int) bool { return true }
func (w *wholeWatcher) SeeGrad(p Point, shape []int, data []float32) {
	if w.grads == nil {
		w.grads = map[string]seen{}
	}
	w.grads[p.String()] = seen{shape, data}
}

// TestPartsMakeTheWhole: what comes in parts, down to a head and to a row each, is what comes whole, and so is the result.
func TestPartsMakeTheWhole(t *testing.T) {
	before := partFloats
	defer func() { partFloats = before }()
	p := newProblem(newSource(40), 6, 3, 8, queryBlock+9, queryBlock+9)
	run := func(hooks Hooks) Tensor {
		r := newRun(t, hooks)
		r.Record(&Tape{All: true})
		q := r.TapHeads(At("m", "q"), r.WithGrad(p.q), p.heads)
		out := r.Causal(decoder, q, p.heads, Keys(r.WithGrad(p.k), r.WithGrad(p.v), p.kvHeads))
		for i := range out.Grad.Host() {
			out.Grad.Host()[i] = float32(i%11) - 5
		}
		r.Backward()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		return out
	}
	whole := &wholeWatcher{}
	want := run(whole)
	for size, parts := range map[int]int{1: 2*(p.queries+1) + 2*(6+3), before: 4 + 4} {
		partFloats = size
		w := &partWatcher{}
		if got := run(w); !sameBits(got.Data.Host(), want.Data.Host()) {
			t.Errorf("parts of %d: another result", size)
		}
		if w.parts != parts {
			t.Errorf("parts of %d: %d parts, want %d", size, w.parts, parts)
		}
		same := func(what string, got, want map[string]seen) {
			for name, s := range want {
				if g := got[name]; !slices.Equal(g.shape, s.shape) || !sameBits(g.data, s.data) {
					t.Errorf("parts of %d: %s of %s differ", size, what, name)
				}
			}
			if len(got) != len(want) {
				t.Errorf("parts of %d: %d %s, want %d", size, len(got), what, len(want))
			}
		}
		same("values", w.saw, whole.saw)
		same("gradients", w.grads, whole.grads)
	}
}
