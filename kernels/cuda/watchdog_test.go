//go:build cuda && linux && cgo

package cuda

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestWatchdog: no launch of the 7B's products has more multiply-adds than a GPU of 10 TFLOP/s does in 200 ms at a fifth of its peak, at any
// number of rows; nor have the blocks of queries of attention, forward and backward.
func TestWatchdog(t *testing.T) {
	const (
		peak   = 5e12 // multiply-adds a second
		most   = peak / 5 * 200e-3
		width  = 128 // of a head
		rows   = 1 << 20
		tokens = 32768 // the longest context
	)
	for _, m := range []struct {
		name        string
		cols, steps int
	}{
		{"q and o", 3584, 3584}, {"k and v", 512, 3584}, {"gate and up", 18944, 3584}, {"down", 3584, 18944}, {"lm_head", 152064, 3584},
		{"gradient of the input of lm_head", 3584, 152064}, {"patches", 1280, 1176}, {"qkv", 3840, 1280}, {"fc1", 5120, 1280}, {"fc2", 1280, 5120},
		{"merger", 5120, 5120}, {"merger's output", 3584, 5120},
		{"gradient of a weight over the context", 3584, tokens}, {"gradient of the widest weight", 18944, tokens},
	} {
		if work := float64(min(rows, rowsAtOnce(m.cols, m.steps))) * float64(m.cols) * float64(m.steps); work > most {
			t.Errorf("%s: a launch has %.0f multiply-adds, and should have %.0f at most", m.name, work, float64(most))
		}
	}
	// A launch of attention has the scores that scratch holds, or one query of one group of heads where these are more.
	for name, scores := range map[string]int{"attention": max(mostScores, 7*tokens), "its backward": max(mostScores, blockScores, tokens)} {
		if work := float64(scores) * width; work > most {
			t.Errorf("%s: a launch has %.0f multiply-adds, and should have %.0f at most", name, work, float64(most))
		}
	}
}

// TestSplitProducts: products that go as several launches give what they give as one, whatever the weights and the form.
func TestSplitProducts(t *testing.T) {
	before := mostProducts
	defer func() { mostProducts = before }()
	d := open(t)
	r := newDice(11)
	const rows, cols, steps = 300, 40, 96
	x := up(t, d, rows, steps, 3, r.floats(rows*steps, canceling))
	across := up(t, d, steps, rows, 1, r.floats(rows*steps, canceling))
	bias := buffer(t, d, r.floats(cols, ordinary))
	place := func(m kernels.Matrix) kernels.Placed {
		w, err := d.PlaceWeight(m)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	packed, err := reference.Quantize(r.matrix(kernels.F32, cols, steps, 0, ordinary), kernels.Quantizing{Bits: 8, Group: 32})
	if err != nil {
		t.Fatal(err)
	}
	plain := place(r.matrix(kernels.F32, steps, cols, 0, canceling))
	for name, product := range map[string]func(dst kernels.Array){
		"exact": func(dst kernels.Array) {
			d.Affine(dst, x, place(r.matrix(kernels.BF16, cols, steps, 0, ordinary)), bias)
		},
		"bf16": func(dst kernels.Array) {
			d.Affine(dst, x, place(r.matrix(kernels.BF16Products, cols, steps, 0, ordinary)), bias)
		},
		"bf16-mma": func(dst kernels.Array) {
			d.Affine(dst, x, place(r.matrix(kernels.BF16MMA, cols, steps, 0, ordinary)), bias)
		},
		"int8":       func(dst kernels.Array) { d.Affine(dst, x, place(packed.Matrix()), bias) },
		"plain":      func(dst kernels.Array) { d.MatMul(dst, x, plain, kernels.Plain) },
		"accumulate": func(dst kernels.Array) { d.MatMul(dst, x, plain, kernels.Accumulate) },
		"across":     func(dst kernels.Array) { d.MatMul(dst, across, plain, kernels.TransX) },
	} {
		var got [2][]float32
		start := r.floats(rows*cols, ordinary)
		for i, most := range []int{before, 1} { // the second time a tile of rows at a time
			mostProducts = most
			r = newDice(12) // the same weights both times
			dst := up(t, d, rows, cols, 5, start)
			product(dst)
			got[i] = down(t, d, dst)
		}
		same(t, name, got[1], got[0])
	}
}

// TestSplitAdamW: a step in several launches is the step in one.
func TestSplitAdamW(t *testing.T) {
	before := mostLearned
	defer func() { mostLearned = before }()
	d := open(t)
	const n = 1000
	var got [2][]float32
	for i, most := range []int{before, 64} {
		mostLearned = most
		r := newDice(13)
		x, grad, m, v := buffer(t, d, r.floats(n, ordinary)), buffer(t, d, r.floats(n, ordinary)), buffer(t, d, r.floats(n, ordinary)), buffer(t, d, make([]float32, n))
		d.AdamW(x, grad, m, v, kernels.AdamWStep{Keep: 0.99, Scale: 0.5, Rate: 0.1, Root: 1, Eps: 1e-8, Beta1: 0.1, Beta2: 0.9, Rest2: 0.1})
		for _, b := range []kernels.Buffer{x, m, v} {
			got[i] = append(got[i], down(t, d, b.Row())...)
		}
	}
	same(t, "AdamW", got[1], got[0])
}
