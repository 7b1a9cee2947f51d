package loupe

import (
	"context"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// TapShape is a tap point of a model for some input.
type TapShape struct {
	Name  string
	Shape []int // (rows, columns) or (heads, queries, keys)
}

// Bytes is what the tap takes, in float32.
func (t TapShape) Bytes() int64 {
	n := int64(4)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	return n
}

// Taps lists the tap points that a prompt passes, in the order of the computation, without computing anything.
func (m *Model) Taps(ctx context.Context, p *Prompt) ([]TapShape, error) {
	return Taps("*").Shapes(ctx, m, p)
}

// Shapes lists the taps that a trace would show, those of its steps and gradients included, without computing
// anything. Those that a model which ends early does not come to are listed too, and gradients of taps on which the target
// does not depend. A tap or an intervention that matches no point is an error.
func (o TraceOptions) Shapes(ctx context.Context, m *Model, p *Prompt) ([]TapShape, error) {
	var out []TapShape
	err := o.EachShape(ctx, m, p, func(t TapShape) { out = append(out, t) })
	return out, err
}

// EachShape calls list with what Shapes gives, one after the other.
func (o TraceOptions) EachShape(ctx context.Context, m *Model, p *Prompt, list func(TapShape)) error {
	var grads []TapShape
	_, err := m.listTrace(ctx, p, o, func(t TapShape, step int) {
		list(t)
		if o.Grad != nil && step == 0 {
			grads = append(grads, TapShape{gradPrefix + t.Name, t.Shape})
		}
	})
	for _, t := range grads {
		list(t)
	}
	return err
}

// listTrace calls list, unless it is nil, with every tap of the prompt and of each step, numbered from 1, that o wants. It
// returns what each pattern of o matches, the taps' before the interventions'. One that matches nothing, and an intervention
// whose rows never pass, is an error.
func (m *Model) listTrace(ctx context.Context, p *Prompt, o TraceOptions, list func(t TapShape, step int)) ([]Matched, error) {
	type point struct {
		at    tensor.Point
		shape []int
	}
	var points []point
	hooks := newHooks(o.Taps, nil, o.Interventions)
	hooks.list = func(at tensor.Point, shape []int) { points = append(points, point{at, shape}) }
	found := newMatching(hooks, len(p.IDs), o.Steps, p.picturePlaces())
	if err := found.readable(); err != nil {
		return nil, err
	}
	a, err := m.answer(ctx, p, Generation{}, hooks, true)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	show := func(step int) {
		for _, t := range points {
			if step > 1 && len(t.shape) == 3 { // each step sees one key more
				t.shape = []int{t.shape[0], t.shape[1], t.shape[2] + step - 1}
			}
			name := hooks.name(t.at)
			if found.add(t.at, name, t.shape, step) && list != nil {
				list(TapShape{name, t.shape}, step)
			}
		}
	}
	show(0)
	var names []string
	for _, t := range points {
		names = append(names, t.at.String())
	}
	steps := min(o.Steps, m.Config.Text.MaxPositionEmbeddings-len(p.IDs)-1)
	if steps > 0 {
		points, hooks.prefix = nil, stepPrefix(1)
		if _, err := a.s.next(ctx, 0); err != nil {
			return nil, err
		}
	}
	for n := 1; n <= steps; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		hooks.prefix = stepPrefix(n)
		show(n)
	}
	return found.out, found.check(names)
}
