package tensor

import (
	"context"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
)

// TestRecomputeBits: a block of linear maps with a branch and dropout, attention and an activation gives the same results and
// gradients whether it is kept or computed again, and computed again it multiplies nothing a second time.
func TestRecomputeBits(t *testing.T) {
	dev := device(t, 2)
	const rows, d, heads = 37, 32, 4
	linear := func(name string, seed uint64) *Linear {
		w := newSource(seed).tensor(d, d)
		l := &Linear{Name: name, W: w.matrix(), Bias: newSource(seed+1).tensor(1, d).Data, WGrad: kernels.HostBuffer(make([]float32, d*d))}
		l.LoRA = &LoRA{A: newSource(seed+2).tensor(4, d).matrix(), B: newSource(seed+3).tensor(d, 4).matrix(), Scale: 0.5, Dropout: 0.2, AGrad: kernels.HostBuffer(make([]float32, 4*d)), BGrad: kernels.HostBuffer(make([]float32, 4*d))}
		return l
	}
	run := func(recompute bool) (out, grads []float32) {
		maps := []*Linear{linear("q", 10), linear("k", 20), linear("v", 30), linear("o", 40)}
		r := NewRun(context.Background(), dev, new(Arena), nil)
		r.DropoutSeed = 7
		r.Record(&Tape{Recompute: recompute, All: true})
		x := r.WithGrad(newSource(1).tensor(rows, d))
		y := r.Scope(x, func(x Tensor) Tensor {
			q, k, v := r.Linear(x, maps[0]), r.Linear(x, maps[1]), r.Linear(x, maps[2])
			at := r.Causal(At("block", ""), q, heads, Keys(k, v, heads))
			return r.Add(x, r.QuickGELU(r.Linear(at, maps[3])))
		})
		for i := range y.Grad.Host() {
			y.Grad.Host()[i] = float32(i%5) - 2
		}
		r.Backward()
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		out, grads = slices.Clone(y.Data.Host()), slices.Clone(x.Grad.Host())
		for _, l := range maps {
			grads = slices.Concat(grads, l.WGrad.Host(), l.LoRA.AGrad.Host(), l.LoRA.BGrad.Host())
		}
		return out, grads
	}
	kept, keptGrads := run(false)
	again, againGrads := run(true)
	if !slices.Equal(kept, again) {
		t.Error("the results differ")
	}
	if !slices.Equal(keptGrads, againGrads) {
		t.Error("the gradients differ")
	}
	if num.FirstNonFinite(keptGrads) >= 0 || slices.Max(keptGrads) == 0 {
		t.Error("the gradients are nothing")
	}
}

// TestProductsComeAgain: what is taken again is what was given, in its order.
func TestProductsComeAgain(t *testing.T) {
	r := NewRun(context.Background(), device(t, 1), new(Arena), nil)
	r.saved = newSavedActivations(r.arena.Kept())
	a, _ := r.product(2, 3)
	b, known := r.product(4, 5)
	if known {
		t.Error("a first product is known")
	}
	r.saved.rewind()
	for _, want := range []Tensor{a, b} {
		got, known := r.product(want.Rows, want.Cols)
		if !known || &got.Data.Host()[0] != &want.Data.Host()[0] {
			t.Errorf("(%d, %d) does not come again", want.Rows, want.Cols)
		}
	}
	if _, known := r.product(1, 1); known {
		t.Error("a product that was not given is known")
	}
}
