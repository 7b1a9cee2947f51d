//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/num"
)

// sweep is the operands of an operation, on one device.
type sweep struct {
	kernels.Device
	m       [5]kernels.Array  // of one shape
	v       [5]kernels.Buffer // vectors as long as a row
	rows    [2]kernels.Buffer // a number for each row
	weights []kernels.Placed  // of the shape of m, in each layout
	values  int
}

// sweepData is n rows of a kind. Where numbers cancel, rows are those of rows with the other sign, and halves of rows the other half, but for
// their last bits; one row is nearly constant.
func sweepData(r dice, rows, cols, kind, sign int) []float32 {
	x := r.floats(rows*cols, kind)
	if kind != canceling {
		return x
	}
	one := newDice(uint64(cols)).floats(cols, canceling)
	for i := range x {
		row, c := i/cols, i%cols
		v := one[c%max(1, cols/2)]
		if row == 2 {
			v = 3
		}
		if row%2 == 1 {
			v = -v
		}
		if sign*r.IntN(8) > 3 {
			v = -v
		}
		x[i] = math.Float32frombits(math.Float32bits(v) ^ uint32(r.IntN(4)))
	}
	return x
}

// sweepOperations are those that are no products and no attention, each with all that it reads among the operands.
func sweepOperations(rows, cols int) map[string]func(s *sweep) error {
	none := func(f func(s *sweep)) func(s *sweep) error { return func(s *sweep) error { f(s); return nil } }
	norm := func(s *sweep) kernels.NormGrad {
		return kernels.NormGrad{DX: s.m[1], X: s.m[0], DY: s.m[2], Weight: s.v[0], Eps: 1e-6, DWeight: s.v[1], DBias: s.v[2], Mean: s.rows[0], Root: s.rows[1]}
	}
	labels := make([]int, rows)
	for i := range labels {
		labels[i] = i*7%cols - i%3/2 // and one that is left out
	}
	step := kernels.AdamWStep{Keep: 1, Scale: 1, Rate: 1, Root: 1.5, Eps: 1e-8, Beta1: 0.1, Beta2: 0.999, Rest2: 0.001}
	half := cols / 2
	out := map[string]func(s *sweep) error{
		"add":                 none(func(s *sweep) { s.Add(s.m[0], s.m[0], s.m[1]) }),
		"scale":               none(func(s *sweep) { s.Scale(s.m[0], s.m[1], 0.3) }),
		"add scaled":          none(func(s *sweep) { s.AddScaled(s.m[2], s.m[0], s.m[1], 1) }),
		"scale columns":       none(func(s *sweep) { s.ScaleColumns(s.m[2], s.m[0], s.v[0]) }),
		"clear":               none(func(s *sweep) { s.Clear(s.m[1]) }),
		"dropout":             none(func(s *sweep) { s.Dropout(s.m[1], s.m[0], 99, 0.25) }),
		"QuickGELU":           none(func(s *sweep) { s.Activate(kernels.ActivationQuickGELU, s.m[1], s.m[0]) }),
		"QuickGELU backward":  none(func(s *sweep) { s.ActivateBackward(kernels.ActivationQuickGELU, s.m[1], s.m[0], s.m[2]) }),
		"GELU":                none(func(s *sweep) { s.Activate(kernels.ActivationGELU, s.m[1], s.m[0]) }),
		"GELU backward":       none(func(s *sweep) { s.ActivateBackward(kernels.ActivationGELU, s.m[1], s.m[0], s.m[2]) }),
		"SwiGLU":              none(func(s *sweep) { s.SwiGLU(s.m[2], s.m[0], s.m[1]) }),
		"SwiGLU backward":     none(func(s *sweep) { s.SwiGLUBackward(s.m[3], s.m[4], s.m[0], s.m[1], s.m[2]) }),
		"layer norm":          none(func(s *sweep) { s.LayerNorm(s.m[1], s.m[0], s.v[0], s.v[1], 1e-6) }),
		"layer norm backward": none(func(s *sweep) { s.LayerNormBackward(norm(s)) }),
		"RMS norm":            none(func(s *sweep) { s.RMSNorm(s.m[1], s.m[0], s.v[0], 1e-6) }),
		"RMS norm backward":   none(func(s *sweep) { s.RMSNormBackward(norm(s)) }),
		"sum of rows":         none(func(s *sweep) { s.SumRows(s.v[1], s.m[0]) }),
		"mean of rows":        none(func(s *sweep) { s.MeanRows(s.m[1].Window(0, 0, 1, cols), s.m[0]) }),
		"mean of rows, back":  none(func(s *sweep) { s.MeanRowsBackward(s.m[1], s.m[0].Window(0, 0, 1, cols)) }),
		"copied rows":         none(func(s *sweep) { s.CopyRows(s.m[1], []int{rows - 1}, s.m[0], []int{rows / 2}) }),
		"added rows":          none(func(s *sweep) { s.AddRows(s.m[1], []int{rows - 1, 0, rows - 1}, s.m[0], []int{0, rows / 2, rows / 2}) }),
		"gains backward":      none(func(s *sweep) { s.ScaleColumnsBackward(s.v[1], s.m[0], s.m[1], s.v[0]) }),
		"AdamW":               none(func(s *sweep) { s.AdamW(s.m[0].Buffer, s.m[1].Buffer, s.m[2].Buffer, s.m[3].Buffer, step) }),
		"cross entropy, back": none(func(s *sweep) { s.CrossEntropyBackward(s.m[1], s.m[0], labels, 1) }),
		"rotary": none(func(s *sweep) {
			s.Rotate(s.m[1], s.m[0], s.m[2].Window(0, 0, rows, half), s.m[2].Window(0, half, rows, half))
		}),
		"rotary backward": none(func(s *sweep) {
			s.RotateBackward(s.m[1], s.m[0], s.m[2].Window(0, 0, rows, half), s.m[2].Window(0, half, rows, half))
		}),
		"embedding rows":       none(func(s *sweep) { gatherAll(s, rows) }),
		"lengths of rows":      none(func(s *sweep) { lengthsAll(s) }),
		"cosines and sines":    none(func(s *sweep) { s.CosSin(s.m[1], s.m[2], s.m[4]) }),
		"squares of columns":   squaresAll(cols),
		"what is not finite":   none(func(s *sweep) { s.FirstNonFinite(s.m[0]) }),
		"the largest of a row": func(s *sweep) error { return largest(s) },
	}
	out["cross entropy"] = func(s *sweep) error {
		losses := make([]float64, rows)
		if err := s.CrossEntropy(losses, s.m[1], s.m[0], labels); err != nil {
			return err
		}
		return s.Upload(s.rows[0].Row(), narrowed(losses))
	}
	return out
}

func narrowed(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func gatherAll(s *sweep, rows int) {
	for i, w := range s.weights {
		s.Gather(s.m[i%4].Window(0, 0, rows, s.m[0].Cols), w, reversed(rows))
		if i%4 == 3 {
			s.Add(s.m[4], s.m[0], s.m[1])
			s.AddScaled(s.m[4], s.m[4], s.m[2], 0.5)
		}
	}
}

func reversed(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = n - 1 - i
	}
	return out
}

func lengthsAll(s *sweep) {
	for i, w := range s.weights {
		s.RowLengths(s.rows[i%2], w, 0, s.m[i%3], -1)
		s.SumRows(s.rows[1-i%2], s.rows[i%2].Row())
		s.Gather(s.m[3], w, reversed(s.m[3].Rows)) // and a change that leaves nothing of one row
		s.RowLengths(s.rows[i%2], w, 0, s.m[3], -1)
		s.SumRows(s.rows[1-i%2], s.rows[i%2].Row())
	}
}

func squaresAll(cols int) func(s *sweep) error {
	return func(s *sweep) error {
		for i, w := range s.weights {
			sums := make([]float64, cols)
			if err := s.ColumnSquares(sums, w, 0, s.m[0], -1); err != nil {
				return err
			}
			if err := s.Upload(s.m[1+i%3].Window(i%s.m[0].Rows, 0, 1, cols), narrowed(sums)); err != nil {
				return err
			}
		}
		return nil
	}
}

// largest writes where the largest numbers of rows are, as the device finds them, or by a loop.
func largest(s *sweep) error {
	rows, cols := s.m[0].Rows, s.m[0].Cols
	var at []int
	if gpu, is := s.Device.(*Device); is {
		var err error
		if at, err = gpu.ArgMax(s.m[0]); err != nil {
			return err
		}
	} else {
		x := make([]float32, rows*cols)
		if err := s.Download(x, s.m[0]); err != nil {
			return err
		}
		for r := range rows {
			at = append(at, num.ArgMax(x[r*cols:(r+1)*cols]))
		}
	}
	out := make([]float32, rows)
	for i, c := range at {
		out[i] = float32(c)
	}
	return s.Upload(s.rows[0].Row(), out)
}

// newSweep puts the same operands on a device.
func newSweep(t *testing.T, d kernels.Device, rows, cols, values int) *sweep {
	t.Helper()
	s := &sweep{Device: d, values: values}
	r := newDice(uint64(rows*1000 + cols*10 + values))
	put := func(rows, cols int, x []float32) kernels.Array {
		b, err := d.Alloc(len(x))
		if err != nil {
			t.Fatal(err)
		}
		a := kernels.Array{Rows: rows, Cols: cols, Stride: cols, Buffer: b}
		if err := d.Upload(a, x); err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := sweepData(r, rows, cols, values, 0)
	for i := range s.m {
		x := first
		if i > 0 {
			x = sweepData(r, rows, cols, values, 1)
		}
		if i == 4 { // angles
			x = r.floats(rows*cols, ordinary)
		}
		s.m[i] = put(rows, cols, x)
	}
	for i := range s.v {
		s.v[i] = put(1, cols, sweepData(r, 1, cols, values, 1)).Buffer
	}
	for i := range s.rows {
		s.rows[i] = put(1, rows, r.floats(rows, ordinary)).Buffer
	}
	w := first
	switch values {
	case nonFinite:
		w = r.floats(len(first), ordinary)
	case canceling: // quantized weights are smaller
		w = slices.Clone(first)
		for i := range w {
			w[i] *= 0x1p-12
		}
	}
	for _, layout := range []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16} {
		m := r.matrix(layout, rows, cols, 0, values)
		if layout == kernels.F32 {
			m.F32 = w
		}
		s.place(t, m)
	}
	for _, o := range []kernels.Quantizing{{Bits: 8, Group: 128}, {Bits: 4, Group: 32}, {Bits: 4, Group: 32, ZeroPoints: true}} {
		p, err := reference.Quantize(kernels.Matrix{Layout: kernels.F32, F32: w, Rows: rows, Cols: cols, Stride: cols}, o)
		if err != nil {
			t.Fatal(err)
		}
		s.place(t, p.Matrix())
	}
	return s
}

func (s *sweep) place(t *testing.T, m kernels.Matrix) {
	t.Helper()
	w, err := s.PlaceWeight(m)
	if err != nil {
		t.Fatal(err)
	}
	s.weights = append(s.weights, w)
}

// all is every number of the operands.
func (s *sweep) all(t *testing.T) (out []float32) {
	t.Helper()
	for _, a := range s.m {
		out = append(out, download(t, s.Device, a)...)
	}
	for _, b := range append(s.v[:], s.rows[:]...) {
		out = append(out, download(t, s.Device, b.Row())...)
	}
	return out
}

func download(t *testing.T, d kernels.Device, a kernels.Array) []float32 {
	t.Helper()
	x := make([]float32, a.Rows*a.Cols)
	if err := d.Download(x, a); err != nil {
		t.Fatal(err)
	}
	return x
}

// TestSweep compares every operation that is no product and no attention with the processor's, in all operands: one row and several, one
// block and several, with each kind of numbers.
func TestSweep(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for _, shape := range [][2]int{{1, 6}, {3, 310}} {
			for values := range valueKinds {
				if os.Getenv("CUDASIM_ORDER") != orders[0] && values != canceling {
					continue
				}
				for name, f := range sweepOperations(shape[0], shape[1]) {
					own, gpu := newSweep(t, cpu.New(reference), shape[0], shape[1], values), newSweep(t, d, shape[0], shape[1], values)
					if err := f(own); err != nil {
						t.Fatal(err)
					}
					if err := f(gpu); err != nil {
						t.Fatal(err)
					}
					same(t, fmt.Sprintf("%s, (%d, %d), %s", name, shape[0], shape[1], valueNames[values]), gpu.all(t), own.all(t))
				}
			}
		}
	})
}

// TestProductSweep: each kernel of products, with each number of steps and each kind of numbers, in one order of threads; the tests of shapes
// take all of them.
func TestProductSweep(t *testing.T) {
	long := os.Getenv("LOUPE_LONG") == "1"
	if !long {
		t.Log("set LOUPE_LONG=1 for tiles of 18,944 steps")
	}
	kinds := []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16, kernels.BF16Products}
	others := []productCase{
		{rows: 1, kind: kernels.F32}, {rows: 3, kind: kernels.F32}, {rows: 9, kind: kernels.F32}, {rows: 9, kind: kernels.BF16}, {rows: 9, kind: kernels.F16},
		{rows: 9, kind: kernels.F32, form: kernels.TransX | kernels.Accumulate},
	}
	inOrders(t, func(t *testing.T, d *Device) { // few steps, each kind of numbers
		for values := range valueKinds {
			for _, kind := range kinds {
				for _, shape := range [][2]int{{1, 3}, {1, 101}, {1, 257}, {2, 3}, {3, 3}, {5, 3}, {9, 3}} {
					productCase{rows: shape[0], cols: shape[1], steps: 20, form: kernels.TransW, kind: kind, values: values}.check(t, d)
				}
			}
			productCase{rows: 33, cols: 3, steps: 6, form: kernels.TransW, kind: kernels.BF16Products, values: values}.check(t, d)
			for _, c := range others {
				c.cols, c.steps, c.values = 3, 6, values
				c.check(t, d)
			}
			for _, o := range quantizings {
				for i, rows := range []int{1, 3, 7, 10} {
					checkQuantized(t, d, o, rows, []int{40, 3}[(i+values)%2], values)
				}
			}
			for _, o := range quantizings[3:] {
				checkQuantizedPlain(t, d, o, 5, []int{3, 140}[values%2], 6, values)
			}
			checkQuantizedPlain(t, d, quantizings[0], 5, []int{140, 3}[values%2], 6, values)
			for _, o := range []kernels.Quantizing{quantizings[0], quantizings[3], quantizings[6]} { // tiles that are not low
				checkQuantizedPlain(t, d, o, 130, []int{3, 140}[values%2], 3, values)
				checkQuantizedPlain(t, d, o, 70, 3, 3, values)
			}
		}
	})
	t.Setenv("CUDASIM_ORDER", "random") // each number of steps
	d := open(t)
	for i, steps := range stepsOfProducts {
		few := long || steps < 1000
		for _, kind := range kinds {
			for _, rows := range []int{1, 2, 3, 5, 9} {
				productCase{rows: rows, cols: 3, steps: steps, form: kernels.TransW, kind: kind, values: i % valueKinds}.check(t, d)
			}
			productCase{rows: 1, cols: 101, steps: steps, form: kernels.TransW, kind: kind, values: canceling}.check(t, d)
			if few {
				productCase{rows: 35, cols: 3, steps: steps, form: kernels.TransW, kind: kind, values: i % valueKinds}.check(t, d)
			}
		}
		for _, c := range others {
			if c.cols, c.steps = 3, steps; few || c.rows < 5 {
				c.check(t, d)
			}
		}
		for _, o := range quantizings {
			if few {
				checkQuantizedPlain(t, d, o, 5, 3, steps, i%valueKinds)
				checkQuantizedPlain(t, d, o, 70, 3, steps, i%valueKinds)
			}
		}
	}
}

// TestAttentionSweep: attention of few queries and many, with each kind of numbers.
func TestAttentionSweep(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for values := range valueKinds {
			for _, queries := range []int{1, 2, 4, 9} {
				for _, heads := range []int{1, 3} {
					c := attentionCase{heads: 2 * heads, kvHeads: 2, width: 8, queries: queries, pages: []int{16, 7}, first: 23, values: values}
					c.check(t, d)
					c = attentionCase{heads: heads, kvHeads: 1, width: 12, queries: queries, pages: []int{queries + 2}, first: 3, more: 1, values: values}
					c.check(t, d)
				}
			}
		}
	})
}

// quantizedOperands are x, (rows, steps), and w, (cols, steps), of a kind. Where numbers cancel, 128 steps of x are the 128 before with the
// other sign, and those of w the same; where they are denormal, so are products of their scales.
func quantizedOperands(t *testing.T, o kernels.Quantizing, rows, cols, steps, values int) ([]float32, *kernels.PackedWeights) {
	t.Helper()
	r := newDice(uint64(rows*1000 + cols))
	x, w := r.floats(rows*steps, values), r.floats(cols*steps, ordinary)
	for i := range x {
		if values == denormal {
			x[i] = float32(math.Ldexp(r.Float64()+0.5, -99-r.IntN(2)))
		}
		if k := i % steps; values == canceling && k >= 128 {
			x[i] = -x[i-128]
		}
	}
	for i := range w {
		if values == denormal { // the scales of weights are halves
			small := -16
			if o.Bits == 8 {
				small = -19
			} else if o.ZeroPoints {
				small = -22
			}
			w[i] = float32(math.Ldexp(float64(w[i]), small))
		}
		if k := i % steps; values == canceling && k >= 128 {
			w[i] = w[i-128]
		}
	}
	p, err := reference.Quantize(kernels.Matrix{Layout: kernels.F32, F32: w, Rows: cols, Cols: steps, Stride: steps}, o)
	if err != nil {
		t.Fatal(err)
	}
	return x, p
}

func checkQuantized(t *testing.T, d *Device, o kernels.Quantizing, rows, cols, values int) {
	t.Helper()
	const steps = 256
	x, p := quantizedOperands(t, o, rows, cols, steps, values)
	want := make([]float32, rows*cols)
	reference.Affine(dense(rows, cols, want), dense(rows, steps, x), p.Matrix(), nil)
	placed, err := d.PlaceWeight(p.Matrix())
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, rows, cols, 0, nil)
	d.Affine(dst, up(t, d, rows, steps, 0, x), placed, kernels.Buffer{})
	same(t, fmt.Sprintf("%+v, (%d, %d), %s", o, rows, cols, valueNames[values]), down(t, d, dst), want)
}

// checkQuantizedPlain is a product with what weights of (steps, cols) stand for.
func checkQuantizedPlain(t *testing.T, d *Device, o kernels.Quantizing, rows, cols, steps, values int) {
	t.Helper()
	r := newDice(uint64(steps))
	x, w := r.floats(rows*steps, values), r.floats(steps*cols, ordinary)
	switch values {
	case nonFinite:
		x[0], x[len(x)-1] = float32(math.Inf(1)), float32(math.NaN())
	case canceling:
		for i := range x {
			if i%steps%2 == 1 {
				x[i] = -x[i-1]
			}
		}
		for k := 1; k < steps; k += 2 {
			copy(w[k*cols:(k+1)*cols], w[(k-1)*cols:])
		}
	}
	p, err := reference.Quantize(kernels.Matrix{Layout: kernels.F32, F32: w, Rows: steps, Cols: cols, Stride: cols}, o)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, rows*cols)
	reference.MatMul(dense(rows, cols, want), dense(rows, steps, x), p.Matrix(), kernels.Plain)
	placed, err := d.PlaceWeight(p.Matrix())
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, rows, cols, 0, nil)
	d.MatMul(dst, up(t, d, rows, steps, 0, x), placed, kernels.Plain)
	same(t, fmt.Sprintf("%+v, plain (%d, %d) by %d, %s", o, rows, cols, steps, valueNames[values]), down(t, d, dst), want)
}
