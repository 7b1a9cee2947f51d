package tensor

import (
	"fmt"
	"math"

	"github.com/loupe-vl/loupe/kernels"
)

var negInf = float32(math.Inf(-1))

// attentionLook is what hooks ask of an attention of one part: to change its scores and probabilities, and to see these or their
// gradients. The device calls it with rows, a block of queries at a time.
type attentionLook struct {
	r      *Run
	j      *attention
	scores passing // after the scale
	probs  passing
	// again is set during a backward, which goes forward again: changes are made then, and values were seen before.
	again bool
}

// passing is one of the two things that an attention has inside, as hooks know it.
type passing struct {
	at     Point
	edits  []Edit
	hidden float32 // what is shown where a query does not see a key
	wanted bool    // by hooks, as a value

	value kept // what they get
	grad  kept
}

// kept is (some heads, queries, keys) from head first on, for hooks to see; without memory where they do not want it.
type kept struct {
	data  []float32
	first int
}

// newLook asks the hooks what they want of an attention; nil: nothing.
func (r *Run) newLook(at Point, j *attention) *attentionLook {
	look := &attentionLook{r: r, j: j}
	pass := func(name string, hidden float32) passing {
		p := at.named(name)
		p.Index, p.Pass = j.index, r.Pass
		return passing{at: p, edits: r.hooks.Edits(p), hidden: hidden, wanted: r.wants(p, j.shape())}
	}
	look.scores, look.probs = pass("scores", negInf), pass("probs", 0)
	if _, grads := r.hooks.(GradHooks); !(grads && r.tape != nil) && !look.scores.touched() && !look.probs.touched() {
		return nil
	}
	return look
}

// touched reports whether the value is wanted or changed.
func (p *passing) touched() bool { return p.wanted || len(p.edits) > 0 }

// shape is that of the scores: (heads, queries, keys).
func (j *attention) shape() []int {
	return []int{j.spec.Heads, j.spec.Parts[0].Q.Rows, j.spec.Parts[0].Keys()}
}

// size is the scores of a head.
func (j *attention) size() int { return j.spec.Parts[0].Q.Rows * j.spec.Parts[0].Keys() }

// attendLooking is attend for an attention that hooks look into.
func (r *Run) attendLooking(j *attention) {
	if j.known || !r.dev.Computes() {
		return // the values were seen before
	}
	l := j.look
	v := viewing{compute: r.dev.Attend, group: 1, whole: r.hooks.See}
	if parts, ok := r.hooks.(PartHooks); ok {
		v.part = parts.SeePart
	}
	for _, p := range []*passing{&l.scores, &l.probs} {
		v.want(p.at, &p.value, p.wanted)
	}
	r.show(j, v)
}

// attendBackwardLooking is attendBackward for an attention that hooks look into.
func (r *Run) attendBackwardLooking(j *attention) {
	l := j.look
	l.again = true
	v := viewing{compute: r.dev.AttendBackward, group: j.spec.Heads / j.spec.KVHeads}
	if watcher, ok := r.hooks.(GradHooks); ok {
		v.whole = watcher.SeeGrad
		if parts, ok := watcher.(GradPartHooks); ok {
			v.part = parts.SeeGradPart
		}
		for _, p := range []*passing{&l.probs, &l.scores} {
			v.want(p.at, &p.grad, watcher.WantsGrad(p.at, j.shape()))
		}
	}
	r.show(j, v)
}

// viewing is how hooks are shown what is inside an attention, forward or backward.
type viewing struct {
	compute func(*kernels.Attention) error
	group   int // of heads, which stay together
	// Where hooks take parts, part is called and not whole.
	part  func(p Point, shape []int, at int, data []float32)
	whole func(p Point, shape []int, data []float32)

	points []Point // that are wanted, and what is kept of each
	kept   []*kept
}

func (v *viewing) want(p Point, k *kept, wanted bool) {
	if *k = (kept{}); wanted {
		v.points, v.kept = append(v.points, p), append(v.kept, k)
	}
}

// show computes an attention and shows what is wanted of it: of all heads at once, or where hooks take parts, of as many heads
// together as make a part.
func (r *Run) show(j *attention, v viewing) {
	heads, memory := j.spec.Heads, func(n int) []float32 { return make([]float32, n) }
	if v.part != nil && len(v.kept) > 0 {
		heads = min(heads, v.group*max(1, partFloats/max(j.size()*v.group, 1)))
		defer r.arena.Release(r.arena.Mark())
		memory = r.hostFloats
	}
	for _, k := range v.kept {
		k.data = memory(heads * j.size())
	}
	j.spec.Inspect, j.spec.Stages = j.look, j.look.stages()
	defer func() {
		for _, k := range v.kept {
			k.data = nil
		}
	}()
	for from := 0; from < j.spec.Heads; from += heads {
		j.spec.From, j.spec.To = from, min(from+heads, j.spec.Heads)
		for _, k := range v.kept {
			k.first = from
		}
		if r.check(v.compute(&j.spec)); r.Synchronize() != nil { // before anybody is shown anything
			return
		}
		for i, k := range v.kept {
			if v.part != nil {
				v.part(v.points[i], j.shape(), from*j.size(), k.data[:(j.spec.To-from)*j.size()])
			} else {
				v.whole(v.points[i], j.shape(), k.data)
			}
		}
	}
}

// stages are those at which the device is to call Inspect.
func (l *attentionLook) stages() (s kernels.AttentionStages) {
	add := func(at kernels.AttentionStages, wanted bool) {
		if wanted {
			s |= at
		}
	}
	add(kernels.Scores, len(l.scores.edits) > 0 || l.scores.value.data != nil && !l.again)
	add(kernels.Probs, len(l.probs.edits) > 0 || l.probs.value.data != nil && !l.again)
	if l.again {
		add(kernels.ProbsGrad, len(l.probs.edits) > 0 || l.probs.grad.data != nil)
		add(kernels.ScoresGrad, len(l.scores.edits) > 0 || l.scores.grad.data != nil)
	}
	return s
}

// Inspect implements [kernels.Inspector]: it makes the changes, and keeps for the hooks what they want.
func (l *attentionLook) Inspect(at kernels.AttentionStages, head, query int, rows kernels.Array) (changed bool, err error) {
	p := &l.scores
	if at&(kernels.Probs|kernels.ProbsGrad) != 0 {
		p = &l.probs
	}
	x := Tensor{Rows: rows.Rows, Cols: rows.Cols, Stride: rows.Stride, Data: rows.Buffer}
	if at&(kernels.ProbsGrad|kernels.ScoresGrad) != 0 {
		seen := at == kernels.ProbsGrad // of all keys
		p.grad.keep(l.j, x, head, query, seen, 0)
		l.editBackward(p.edits, x, head, query)
		return len(p.edits) > 0, nil
	}
	if err := l.edit(p.edits, x, head, query); err != nil {
		return true, fmt.Errorf("intervention at %s: %w", p.at, err)
	}
	if !l.again {
		p.value.keep(l.j, x, head, query, false, p.hidden)
	}
	return len(p.edits) > 0, nil
}

// keep copies rows of some queries for the hooks, with hidden where a query does not see a key; all says that every key counts.
func (k *kept) keep(j *attention, x Tensor, head, query int, all bool, hidden float32) {
	if k.data == nil {
		return
	}
	part := &j.spec.Parts[0]
	keys := part.Keys()
	for i := range x.Rows {
		to := k.data[((head-k.first)*part.Q.Rows+query+i)*keys:][:keys]
		seen := part.Visible(query + i)
		if all {
			seen = keys
		}
		copy(to, x.Row(i)[:seen])
		for c := range to[seen:] {
			to[seen+c] = hidden
		}
	}
}
