//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/num"
)

// mmaProduct is dst = x Wᵀ + bias in the order that src/mma.cu writes down, in plain Go. What one mma adds up is a chain of multiply-adds
// here, as in the fake driver; a GPU adds 16 products in a way of its own.
func mmaProduct(dst, x []float32, w kernels.Matrix, bias []float32) {
	rows := len(dst) / max(w.Rows, 1)
	pad := blocks(w.Cols, 32) * 32
	rounded := func(x []float32) []float32 {
		out := make([]float32, pad)
		for k, v := range x {
			out[k] = num.BF16ToF32(num.F32ToBF16(v))
		}
		return out
	}
	ws := make([][]float32, w.Rows)
	for c := range ws {
		row := make([]float32, w.Cols)
		w.Row(row, c)
		ws[c] = rounded(row)
	}
	for r := range rows {
		xr := rounded(x[r*w.Cols:][:w.Cols])
		for c, wr := range ws {
			var total float32
			for slice := 0; slice == 0 || slice < pad; slice += 2048 {
				var sum float32
				for chunk := slice; chunk < min(slice+2048, pad); chunk += 32 {
					for h := range 2 {
						for i := range 16 { // of one mma
							k := chunk + i%8/2*8 + 4*h + i/8*2 + i%2
							sum = num.FMA(xr[k], wr[k], sum)
						}
					}
				}
				if slice == 0 {
					total = sum
				} else {
					total += sum
				}
			}
			if bias != nil {
				total += bias[c]
			}
			dst[r*w.Rows+c] = total
		}
	}
}

// mmaCase is a product to compare.
type mmaCase struct {
	rows, cols, steps int
	of                kernels.Layout
	values, pad       int // pad of x and dst
	wPad              int
	bias              bool
}

func (c mmaCase) String() string {
	return fmt.Sprintf("(%d, %d) by %d, %T, %s, pads %d and %d, bias %v", c.rows, c.cols, c.steps, c.of, valueNames[c.values], c.pad, c.wPad, c.bias)
}

// differs is what differs from plain Go's, "" for nothing.
func (c mmaCase) differs(t *testing.T, d *Device) string {
	t.Helper()
	r := newDice(uint64(c.rows*1000003 + c.cols*1009 + c.steps))
	x, w := r.floats(c.rows*c.steps, c.values), r.matrix(c.of, c.cols, c.steps, c.wPad, c.values)
	w, _ = reference.BF16MMA(w)
	var bias []float32
	var on kernels.Buffer
	if c.bias {
		bias = r.floats(c.cols, ordinary)
		on = buffer(t, d, bias)
	}
	want := make([]float32, c.rows*c.cols)
	mmaProduct(want, x, w, bias)
	placed, err := d.PlaceWeight(w)
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, c.rows, c.cols, c.pad, nil)
	d.Affine(dst, up(t, d, c.rows, c.steps, c.pad, x), placed, on)
	got := make([]float32, len(want))
	err = d.Download(got, dst)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	if err != nil {
		return err.Error()
	}
	if _, fake := cudatest.Library(); !fake {
		return c.far(got, want, x, w)
	}
	if i := differ(got, want); i >= 0 {
		return fmt.Sprintf("element (%d, %d) is %v, want %v", i/c.cols, i%c.cols, got[i], want[i])
	}
	return ""
}

// far is what is further from plain Go's than a GPU's own way of adding up 16 products explains: each mma may cut off some 2^-22 of the
// sum of the products' magnitudes. "" for nothing. Rows with numbers that are not finite are left out.
func (c mmaCase) far(got, want, x []float32, w kernels.Matrix) string {
	row := make([]float32, c.steps)
	for col := range c.cols {
		w.Row(row, col)
		for r := range c.rows {
			sum := 0.0
			for k, v := range row {
				sum += math.Abs(float64(v) * float64(x[r*c.steps+k]))
			}
			i := r*c.cols + col
			if g, most := float64(got[i]), float64(blocks(c.steps, 16)+8)*sum/(1<<22)+1e-37; !math.IsInf(sum, 0) && !math.IsNaN(sum) && !(math.Abs(g-float64(want[i])) <= most+math.Abs(g)/(1<<22)) {
				return fmt.Sprintf("element (%d, %d) is %v, want %v to %.2g", r, col, g, want[i], most)
			}
		}
	}
	return ""
}

func TestMMAProducts(t *testing.T) {
	var cases []mmaCase
	kinds := []kernels.Layout{kernels.BF16, kernels.F32, kernels.F16}
	for i, rows := range []int{1, 2, 5, 8, 9, 16, 17, 33, 64, 65, 127, 128, 129} {
		for j, steps := range []int{1, 31, 32, 127, 129, 600} {
			if rows > 64 && steps > 129 {
				steps = 80
			}
			if (i+j)%2 == 1 && os.Getenv("LOUPE_LONG") != "1" {
				continue
			}
			cases = append(cases, mmaCase{
				rows: rows, cols: []int{129, 7, 8, 17, 65, 1}[(i+j)/2%6], steps: steps, of: kinds[(i+j)%3],
				values: (i + j) % valueKinds, pad: []int{0, 3, 8}[(i+2*j)%3], wPad: []int{0, 0, 8, 3}[(i+j)%4], bias: j%2 == 0,
			})
		}
	}
	// Around the ends of slices, and the widest product of the 7B.
	for i, rows := range []int{1, 3, 10, 20, 66} {
		for j, steps := range []int{2047, 2048, 2049, 4128} {
			if (i+j)%3 != 0 && os.Getenv("LOUPE_LONG") != "1" {
				continue
			}
			cases = append(cases, mmaCase{rows: rows, cols: 9, steps: steps, of: kernels.BF16, values: i % 3, bias: true})
		}
	}
	cases = append(cases,
		mmaCase{rows: 1, cols: 3, steps: 18944, of: kernels.BF16, values: canceling},
		mmaCase{rows: 40, cols: 600, steps: 40, of: kernels.BF16, values: canceling},
		mmaCase{rows: 300, cols: 260, steps: 33, of: kernels.BF16, values: canceling, bias: true},
		mmaCase{rows: 128, cols: 128, steps: 2080, of: kernels.BF16, values: canceling, bias: true}, // a whole tile, and two slices
		mmaCase{rows: 3, cols: 5, of: kernels.BF16, bias: true},
		mmaCase{rows: 70, cols: 5, of: kernels.BF16, bias: true},
	)
	if os.Getenv("LOUPE_LONG") == "1" {
		cases = append(cases, mmaCase{rows: 2100, cols: 260, steps: 65, of: kernels.BF16, values: canceling}) // more tiles of rows than go together
	} else {
		t.Log("set LOUPE_LONG=1 for more shapes, and a product of more than 16 tiles of rows")
	}
	inOrders(t, func(t *testing.T, d *Device) {
		for _, c := range cases {
			if what := c.differs(t, d); what != "" {
				t.Errorf("%s: %s", c, what)
			}
		}
	})
}

// TestMMABatch: a row's bits do not depend on how many others there are, nor on where among them it is.
func TestMMABatch(t *testing.T) {
	const cols, steps, most = 18, 2090, 129
	r := newDice(5)
	x, w := r.floats(most*steps, canceling), r.matrix(kernels.BF16, cols, steps, 0, canceling)
	w, _ = reference.BF16MMA(w)
	t.Setenv("CUDASIM_ORDER", "random")
	d := open(t)
	placed, err := d.PlaceWeight(w)
	if err != nil {
		t.Fatal(err)
	}
	product := func(rows []float32) []float32 {
		n := len(rows) / steps
		dst := up(t, d, n, cols, 0, nil)
		d.Affine(dst, up(t, d, n, steps, 0, rows), placed, kernels.Buffer{})
		return down(t, d, dst)
	}
	alone := product(x[:steps])
	for _, n := range []int{2, 5, 16, 17, 64, 65, 128, 129} {
		batch := slices.Clone(x[:n*steps])
		for _, at := range []int{n - 1, n / 2}[:1+min(1, 17/n)] {
			copy(batch[:steps], x[at*steps:])
			copy(batch[at*steps:], x[:steps])
			same(t, fmt.Sprintf("row %d of %d", at, n), product(batch)[at*cols:][:cols], alone)
			copy(batch, x[:n*steps])
		}
	}
}

// TestMMABackward: a weight stands for its bfloat16 numbers where it is not used transposed, where it is added to, and where rows are looked up.
func TestMMABackward(t *testing.T) {
	d := open(t)
	for i, l := range []kernels.Layout{kernels.BF16Products, kernels.BF16MMA} {
		r := newDice(uint64(i))
		const rows, cols, steps = 5, 70, 45
		w := r.matrix(kernels.BF16, steps, cols, 0, denormal)
		w.Layout = l
		placed, err := d.PlaceWeight(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []kernels.Form{kernels.Plain, kernels.Accumulate, kernels.TransW | kernels.Accumulate} {
			to, from := cols, steps
			if form&kernels.TransW != 0 {
				to, from = steps, cols
			}
			x, want := r.floats(rows*from, canceling), r.floats(rows*to, denormal)
			dst := up(t, d, rows, to, 0, want)
			reference.MatMul(dense(rows, to, want), dense(rows, from, x), w, form)
			d.MatMul(dst, up(t, d, rows, from, 0, x), placed, form)
			same(t, fmt.Sprintf("%T, form %d", l, form), down(t, d, dst), want)
		}
		checkLengths(t, d, w, placed)
	}
}
