package tensor

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// device is a processor with so many threads.
func device(t testing.TB, threads int) kernels.Device { return cpu.New(engine(t, threads)) }

func engine(t testing.TB, threads int) *kernels.Engine {
	t.Helper()
	e, err := kernels.New(kernels.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// newRun is a run with two threads and memory of its own; hooks may be nil.
func newRun(t testing.TB, hooks Hooks) *Run {
	t.Helper()
	return NewRun(context.Background(), device(t, 2), new(Arena), hooks)
}

// matrix lets a tensor of the host stand where a weight does.
func (t Tensor) matrix() kernels.Placed { return t.array().Weight() }

// source makes the numbers of one test.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 1))} }

func (s source) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(s.NormFloat64())
	}
	return x
}

func (s source) tensor(rows, cols int) Tensor { return Of(rows, cols, s.floats(rows*cols)) }

// window is a view of (rows, cols) into the middle of a wider tensor, as q, k and v are of one qkv product.
func (s source) window(rows, cols int) Tensor {
	return s.tensor(rows, cols+7).Columns(3, 3+cols)
}

// counting is 0, 1, 2, ... as (rows, cols).
func counting(rows, cols int) Tensor {
	t := Of(rows, cols, make([]float32, rows*cols))
	for i := range t.Floats() {
		t.Data.Host()[i] = float32(i)
	}
	return t
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// near compares got with real numbers, each to within tolerance of the largest of them: a sum that cancels is as exact as
// its terms, not as its result.
func near(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s holds %d numbers, want %d", what, len(got), len(want))
	}
	top := 0.0
	for _, v := range want {
		top = max(top, math.Abs(v))
	}
	for i, g := range got {
		if d := math.Abs(float64(g) - want[i]); !(d <= tolerance*top) {
			t.Errorf("%s: number %d is %v, want %v", what, i, g, want[i])
			return
		}
	}
}

// seen is one call of See.
type seen struct {
	shape []int
	data  []float32
}

// watcher implements Hooks: it keeps what it wants, all of it if want is nil, and makes edits.
type watcher struct {
	want  func(name string) bool
	edits map[string][]Edit
	asked []string // names given to Wants, in order
	saw   map[string]seen
}

func (w *watcher) Edits(p Point) []Edit { return w.edits[p.String()] }

func (w *watcher) Wants(p Point, _ []int) bool {
	w.asked = append(w.asked, p.String())
	return w.want == nil || w.want(p.String())
}

func (w *watcher) See(p Point, shape []int, data []float32) {
	if w.saw == nil {
		w.saw = map[string]seen{}
	}
	w.saw[p.String()] = seen{shape, data}
}
