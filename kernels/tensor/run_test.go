package tensor

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/num"
)

// operation is one method of Run on inputs of its own, and the shape of its result.
type operation struct {
	name string
	rows int
	cols int
	do   func(r *Run) Tensor
}

// operations lists the methods that compute.
func operations() []operation {
	s := newSource(5)
	x, y := s.tensor(4, 6), s.tensor(4, 6)
	norm := &Norm{Weight: kernels.HostBuffer(s.floats(6)), Bias: kernels.HostBuffer(s.floats(6)), Eps: 1e-6}
	linear := &Linear{Name: "up_proj", W: s.tensor(5, 6).matrix(), Bias: kernels.HostBuffer(s.floats(5)), LoRA: &LoRA{A: s.tensor(2, 6).matrix(), B: s.tensor(5, 2).matrix(), Scale: 2}}
	kv := Keys(y, x, 2)
	return []operation{
		{"Add", 4, 6, func(r *Run) Tensor { return r.Add(x, y) }},
		{"QuickGELU", 4, 6, func(r *Run) Tensor { return r.QuickGELU(x) }},
		{"GELU", 4, 6, func(r *Run) Tensor { return r.GELU(x) }},
		{"SwiGLU", 4, 6, func(r *Run) Tensor { return r.SwiGLU(x, y) }},
		{"LayerNorm", 4, 6, func(r *Run) Tensor { return r.LayerNorm(x, norm) }},
		{"RMSNorm", 4, 6, func(r *Run) Tensor { return r.RMSNorm(x, norm) }},
		{"Linear", 4, 5, func(r *Run) Tensor { return r.Linear(x, linear) }},
		{"MeanRows", 1, 6, func(r *Run) Tensor { return r.MeanRows(x) }},
		{"Rotate", 4, 6, func(r *Run) Tensor {
			return r.Rotate(x, Rotary{x.Columns(0, 1), y.Columns(0, 1)})
		}},
		{"Causal", 4, 6, func(r *Run) Tensor { return r.Causal(At("a", "self_attn"), x, 2, kv) }},
		{"AttentionVarlen", 4, 6, func(r *Run) Tensor { return r.AttentionVarlen(At("a", "attn"), x, 2, kv, []Segment{{0, 4, 0}}) }},
	}
}

var errFirst = errors.New("the first thing")

func TestErrorsStick(t *testing.T) {
	r := newRun(t, nil)
	if r.Err() != nil {
		t.Fatalf("a new run has the error %v", r.Err())
	}
	r.Fail(errFirst)
	r.Fail(errors.New("the second thing"))
	if r.Err() != errFirst {
		t.Errorf("the error is %v", r.Err())
	}
}

// TestIdle: after an error, in a canceled run and on a device of shapes only, every operation returns its shape and computes nothing.
func TestIdle(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	e := device(t, 2)
	for _, kind := range []struct {
		name string
		run  func(*Arena, Hooks) *Run
		want error
	}{
		{"failed", func(a *Arena, p Hooks) *Run {
			r := NewRun(context.Background(), e, a, p)
			r.Fail(errFirst)
			return r
		}, errFirst},
		{"canceled", func(a *Arena, p Hooks) *Run { return NewRun(canceled, e, a, p) }, context.Canceled},
		{"meta", func(a *Arena, p Hooks) *Run { return NewRun(context.Background(), meta.Device{}, a, p) }, nil},
	} {
		t.Run(kind.name, func(t *testing.T) {
			for _, op := range operations() {
				w := &watcher{}
				arena := newArena(t)
				all := floats(t, arena, 1000)
				for i := range all {
					all[i] = 77
				}
				arena.Reset()
				r := kind.run(arena, w)
				out := op.do(r)
				if out.Rows != op.rows || out.Cols != op.cols {
					t.Errorf("%s is (%d, %d), want (%d, %d)", op.name, out.Rows, out.Cols, op.rows, op.cols)
				}
				if i := slices.IndexFunc(all, func(v float32) bool { return v != 77 }); i >= 0 {
					t.Errorf("%s computed", op.name)
				}
				if r.Err() != kind.want {
					t.Errorf("%s: the error is %v, want %v", op.name, r.Err(), kind.want)
				}
				if len(w.saw) > 0 {
					t.Errorf("%s: the hooks saw %d tensors", op.name, len(w.saw))
				}
			}
		})
	}
}

// TestOperationsCompute is the other side of TestIdle: without an error each operation writes, and what it writes depends
// on neither the number of threads nor hooks that only watch.
func TestOperationsCompute(t *testing.T) {
	for _, op := range operations() {
		alone := NewRun(context.Background(), device(t, 1), new(Arena), nil)
		first := op.do(alone)
		if alone.Err() != nil || num.FirstNonFinite(first.Data.Host()) >= 0 || !slices.ContainsFunc(first.Data.Host(), func(v float32) bool { return v != 0 }) {
			t.Errorf("%s: error %v, result %v", op.name, alone.Err(), first.Data.Host())
		}
		if second := op.do(newRun(t, &watcher{})); !sameBits(first.Data.Host(), second.Data.Host()) {
			t.Errorf("%s: two threads and hooks give other bits", op.name)
		}
	}
}

// TestCancelMidway: a run notices the end of its context between two operations and keeps that error.
func TestCancelMidway(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := NewRun(ctx, device(t, 2), new(Arena), nil)
	x := counting(2, 3)
	before := r.Add(x, x).Clone()
	cancel()
	r.Fail(errFirst)
	r.Add(x, x)
	if before.Data.Host()[5] != 10 {
		t.Errorf("before: %v", before.Data.Host())
	}
	if r.Err() != errFirst {
		t.Errorf("an error that was recorded first gave way to %v", r.Err())
	}
	r = NewRun(ctx, r.Device(), new(Arena), nil)
	if r.Add(x, x); !errors.Is(r.Err(), context.Canceled) {
		t.Errorf("the error is %v", r.Err())
	}
}

// TestMetaRunAsksEverywhere: a run on a device of shapes only calls the hooks at the same points, in the same order, as a real one.
func TestMetaRunAsksEverywhere(t *testing.T) {
	e, real, dry := device(t, 2), &watcher{}, &watcher{}
	pass := func(r *Run) {
		for _, op := range operations() {
			r.Scope(r.New(op.rows, op.cols), func(Tensor) Tensor { return r.Tap(At(op.name, "out"), op.do(r)) })
		}
	}
	pass(NewRun(context.Background(), e, new(Arena), real))
	pass(NewRun(context.Background(), meta.Device{}, new(Arena), dry))
	if diff := cmp.Diff(real.asked, dry.asked); diff != "" {
		t.Errorf("points (-real +dry):\n%s", diff)
	}
	for _, name := range []string{"a.self_attn.probs", "a.attn.scores.0", "Linear.out"} {
		if !slices.Contains(dry.asked, name) {
			t.Errorf("%s was not asked for in %q", name, dry.asked)
		}
	}
}

func TestFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		name  string
		set   map[int]float32 // by element of (3, 4)
		first int             // FirstRow
		want  *NonFiniteError
	}{
		{"all finite", map[int]float32{3: math.MaxFloat32, 4: -math.MaxFloat32}, 0, nil},
		{"NaN", map[int]float32{6: nan}, 0, &NonFiniteError{"m.2.mlp.out", 1, 2, nan}},
		{"the first of two", map[int]float32{4: inf, 11: nan}, 0, &NonFiniteError{"m.2.mlp.out", 1, 0, inf}},
		{"in a later chunk", map[int]float32{11: inf}, 40, &NonFiniteError{"m.2.mlp.out", 42, 3, inf}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRun(t, nil)
			r.FirstRow = c.first
			x := counting(3, 4)
			for i, v := range c.set {
				x.Data.Host()[i] = v
			}
			r.Finite(At("m.2", "mlp.out"), x)
			var got *NonFiniteError
			errors.As(r.Err(), &got)
			equal := cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
			if diff := cmp.Diff(c.want, got, equal); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if got != nil && !strings.HasPrefix(got.Error(), "m.2.mlp.out is ") {
				t.Errorf("the message does not begin with the point: %s", got)
			}
		})
	}
}

// TestFiniteLooksAtTheViewOnly: what lies beside a view is not the run's business, nor is anything on a device of shapes only.
func TestFiniteLooksAtTheViewOnly(t *testing.T) {
	x := counting(3, 4)
	x.Data.Host()[0], x.Data.Host()[7] = float32(math.NaN()), float32(math.NaN())
	r := newRun(t, nil)
	r.Finite(At("m", "out"), x.Columns(1, 3))
	d := NewRun(context.Background(), meta.Device{}, new(Arena), nil)
	d.Finite(At("m", "out"), x)
	if r.Err() != nil || d.Err() != nil {
		t.Errorf("errors %v and %v", r.Err(), d.Err())
	}
}
