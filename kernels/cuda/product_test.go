//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// productCase is a product to compare.
type productCase struct {
	rows, cols, steps int
	form              kernels.Form
	kind              kernels.Layout
	rounded           bool
	values            int
	pad               int // elements between rows, of all operands
	bias              bool
}

func (c productCase) String() string {
	return fmt.Sprintf("(%d, %d) by %d, form %d, %T, rounded %v, %s, pad %d, bias %v", c.rows, c.cols, c.steps, c.form, c.kind, c.rounded, valueNames[c.values], c.pad, c.bias)
}

// check compares a product with the engine of plain Go.
func (c productCase) check(t *testing.T, d *Device) {
	t.Helper()
	r := newDice(uint64(c.rows*1000003 + c.cols*1009 + c.steps))
	xRows, xCols := c.rows, c.steps
	if c.form&kernels.TransX != 0 {
		xRows, xCols = c.steps, c.rows
	}
	wRows, wCols := c.steps, c.cols
	if c.form&kernels.TransW != 0 {
		wRows, wCols = c.cols, c.steps
	}
	x, before := r.floats(xRows*xCols, c.values), r.floats(c.rows*c.cols, ordinary)
	w := r.matrix(c.kind, wRows, wCols, c.pad, c.values)
	if c.values == canceling {
		c.pairUp(x, w, xCols)
	}
	if c.rounded {
		w, _ = reference.BF16Products(w)
	}
	var bias []float32
	if c.bias {
		bias = r.floats(c.cols, ordinary)
	}

	want := append([]float32(nil), before...)
	xv := dense(xRows, xCols, x)
	if c.form&kernels.TransX != 0 {
		xv = kernels.View{Data: x, Rows: xCols, Cols: xRows, RowStride: 1, ColStride: xCols}
	}
	if c.bias {
		reference.Affine(dense(c.rows, c.cols, want), xv, w, bias)
	} else {
		reference.MatMul(dense(c.rows, c.cols, want), xv, w, c.form&^kernels.TransX)
	}

	placed, err := d.PlaceWeight(w)
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, c.rows, c.cols, c.pad, before)
	xs := up(t, d, xRows, xCols, c.pad, x)
	if c.bias {
		d.Affine(dst, xs, placed, buffer(t, d, bias))
	} else {
		d.MatMul(dst, xs, placed, c.form)
	}
	same(t, c.String(), down(t, d, dst), want)
}

// pairUp makes odd steps of x those before them with the other sign, and of w the same, so that sums cancel.
func (c productCase) pairUp(x []float32, w kernels.Matrix, xCols int) {
	at := func(row, cols, step int, across bool) int {
		if across {
			return step*cols + row
		}
		return row*cols + step
	}
	for step := 1; step < c.steps; step += 2 {
		for r := range c.rows {
			x[at(r, xCols, step, c.form&kernels.TransX != 0)] = -x[at(r, xCols, step-1, c.form&kernels.TransX != 0)]
		}
		for col := range c.cols {
			to, from := at(col, w.Stride, step, c.form&kernels.TransW == 0), at(col, w.Stride, step-1, c.form&kernels.TransW == 0)
			if w.F32 != nil {
				w.F32[to] = math.Float32frombits(math.Float32bits(w.F32[from]) ^ uint32(col&1))
			} else {
				w.Bits[to] = w.Bits[from]
			}
		}
	}
}

// exactCases are shapes around the edges of every tile, with the values that tell a wrong order or a lost bit.
func exactCases() (out []productCase) {
	const t, p, acc = kernels.TransW, kernels.Plain, kernels.Accumulate
	add := func(c productCase) { out = append(out, c) }
	kinds := []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16}
	for i, rows := range []int{1, 2, 3, 5, 9, 17, 32} { // few rows
		for _, kind := range kinds {
			for j, steps := range []int{1, 31, 64, 127, 129} {
				add(productCase{rows: rows, cols: []int{1, 63, 64, 65, 130}[(i+j)%5], steps: steps, form: t, kind: kind, values: (i + j) % valueKinds, pad: []int{0, 0, 3, 8}[(i+j)%4], bias: i%2 == 0})
			}
		}
		add(productCase{rows: rows, cols: 65, steps: 129, form: t, kind: kernels.BF16, rounded: true, values: i % valueKinds, pad: i % 3})
		add(productCase{rows: rows, cols: 66, steps: 33 + i, form: t | acc, kind: kernels.F32, values: canceling})
		add(productCase{rows: rows, cols: 66, steps: 33 + i, form: p | acc*kernels.Form(i%2), kind: kernels.F32, values: i % valueKinds, pad: i % 2})
	}
	add(productCase{rows: 1, cols: 131, steps: 128 * 6, form: t, kind: kernels.BF16, values: canceling}) // every stage of shared memory again
	add(productCase{rows: 2, cols: 33, steps: 64*9 + 4, form: t, kind: kernels.F32, values: canceling})
	add(productCase{rows: 16, cols: 31, steps: 64 * 7, form: t, kind: kernels.F16, values: canceling})
	for i, shape := range [][3]int{{33, 1, 1}, {127, 129, 31}, {128, 128, 16}, {129, 127, 127}, {130, 257, 129}, {33, 33, 15}, {40, 200, 17}} {
		for j, kind := range kinds {
			c := productCase{rows: shape[0], cols: shape[1], steps: shape[2], form: t, kind: kind, values: (i + j) % valueKinds, pad: []int{0, 1, 4, 8}[(i+j)%4], bias: j == 0}
			add(c)
			c.form, c.bias = p|acc*kernels.Form((i+j)%2), false
			add(c)
		}
		add(productCase{rows: shape[0], cols: shape[1], steps: shape[2], form: p | acc | kernels.TransX, kind: kernels.F32, values: i % valueKinds, pad: i % 3})
		add(productCase{rows: shape[0], cols: shape[1], steps: shape[2], form: t, kind: kernels.BF16, rounded: true, values: i % valueKinds, pad: i % 2 * 8, bias: true})
	}
	// A weight that is rounded stands for what it holds where it is not used transposed; one of float32 is rounded before.
	add(productCase{rows: 34, cols: 20, steps: 19, form: p, kind: kernels.BF16, rounded: true, values: denormal})
	add(productCase{rows: 3, cols: 20, steps: 19, form: t, kind: kernels.F32, rounded: true, values: denormal})
	// No steps.
	add(productCase{rows: 2, cols: 5, steps: 0, form: p | acc, kind: kernels.F32})
	add(productCase{rows: 40, cols: 5, steps: 0, form: p, kind: kernels.F32})
	// As many steps as the widest product of the 7B.
	for i, rows := range []int{1, 2, 34} {
		add(productCase{rows: rows, cols: 2, steps: 18944, form: t, kind: kernels.BF16, values: canceling, rounded: i == 1})
	}
	return out
}

func TestExactProducts(t *testing.T) {
	cases := exactCases()
	defer func() { chooseLow = lowTiles }()
	inOrders(t, func(t *testing.T, d *Device) {
		for _, c := range cases {
			chooseLow = func(int, int, int, int) bool { return false }
			c.check(t, d)
			if c.rows > fewRows {
				chooseLow = func(int, int, int, int) bool { return true }
				c.check(t, d)
			}
		}
	})
}

// TestTilesAreChosen: a product is cut into the tiles that leave fewer multiprocessors idle.
func TestTilesAreChosen(t *testing.T) {
	const h200 = 132
	for _, c := range []struct {
		rows, cols, batch, processors int
		low                           bool
	}{
		{2048, 3584, 1, h200, false},  // 896 tiles of 128 rows are 7 at most on one; 1792 of 64 rows are 14
		{2048, 18944, 1, h200, false}, // 4736 and 9472: 36 and 72
		{2048, 512, 1, h200, false},   // 128 and 256: 1 and 2
		{300, 3584, 1, h200, true},    // 168 and 280: 2 and 3
		{40, 3584, 1, h200, true},     // half of the high ones would be beyond the last row
		{128, 64, 1, 0, false},        // a driver that does not say how many there are
		{4096, 80, 16, h200, false},   // a batch
	} {
		if got := lowTiles(c.rows, c.cols, c.batch, c.processors); got != c.low {
			t.Errorf("%+v: low %v", c, got)
		}
	}
}
