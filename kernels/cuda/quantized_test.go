//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// quantizings are all forms of quantized weights, and groups that make spans of 128 and of 32.
var quantizings = []kernels.Quantizing{
	{Bits: 8, Group: 128}, {Bits: 8, Group: 32}, {Bits: 8}, {Bits: 4, Group: 32}, {Bits: 4, Group: 128}, {Bits: 4},
	{Bits: 4, Group: 32, ZeroPoints: true}, {Bits: 4, Group: 128, ZeroPoints: true},
}

// quantizedFound compares a product with quantized weights with plain Go's; it is what differs, "" for nothing.
func quantizedFound(t *testing.T, d *Device, o kernels.Quantizing, rows, cols, steps, values int, bias bool) string {
	t.Helper()
	r := newDice(uint64(rows*1000003 + cols*1009 + steps))
	p, err := reference.Quantize(r.matrix(kernels.F32, cols, steps, 0, ordinary), o)
	if err != nil {
		t.Fatal(err)
	}
	x := r.floats(rows*steps, values)
	for i := 0; i < steps && rows > 2; i++ {
		x[steps+i] = 0x1p-110 // a row that counts as 0
	}
	want := make([]float32, rows*cols)
	var b []float32
	if bias {
		b = r.floats(cols, ordinary)
	}
	reference.Affine(dense(rows, cols, want), dense(rows, steps, x), p.Matrix(), b)
	placed, err := d.PlaceWeight(p.Matrix())
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, rows, cols, 1, nil)
	var on kernels.Buffer
	if bias {
		on = buffer(t, d, b)
	}
	d.Affine(dst, up(t, d, rows, steps, 3, x), placed, on)
	got := make([]float32, len(want))
	if err := d.Download(got, dst); err != nil {
		return err.Error()
	}
	if i := differ(got, want); i >= 0 {
		return fmt.Sprintf("element (%d, %d) is %v, want %v", i/cols, i%cols, got[i], want[i])
	}
	return ""
}

func TestQuantizedProducts(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for i, o := range quantizings {
			for j, shape := range [][3]int{{1, 1, 1}, {1, 33, 127}, {2, 31, 31}, {4, 32, 129}, {5, 65, 300}, {8, 64, 1100}, {9, 130, 129}, {17, 130, 300}, {129, 127, 160}, {130, 33, 31}, {1, 2, 18944}, {17, 40, 513}} {
				values := (i + j) % valueKinds
				if what := quantizedFound(t, d, o, shape[0], shape[1], shape[2], values, (i+j)%2 == 0); what != "" {
					t.Errorf("%+v, (%d, %d) by %d, %s: %s", o, shape[0], shape[1], shape[2], valueNames[values], what)
				}
			}
		}
	})
}

// TestQuantizedBackward: a weight stands for its float32 numbers where it is not used transposed, and rows of it are looked up.
func TestQuantizedBackward(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for i, o := range quantizings {
			r := newDice(uint64(i))
			rows, cols, steps := 3+i, 70, 45
			p, err := reference.Quantize(r.matrix(kernels.F32, steps, cols, 0, ordinary), o)
			if err != nil {
				t.Fatal(err)
			}
			placed, err := d.PlaceWeight(p.Matrix())
			if err != nil {
				t.Fatal(err)
			}
			x, want := r.floats(rows*steps, canceling), r.floats(rows*cols, ordinary)
			dst := up(t, d, rows, cols, 0, want)
			reference.MatMul(dense(rows, cols, want), dense(rows, steps, x), p.Matrix(), kernels.Accumulate)
			d.MatMul(dst, up(t, d, rows, steps, 0, x), placed, kernels.Accumulate)
			same(t, fmt.Sprintf("%+v backward", o), down(t, d, dst), want)

			ids := []int{steps - 1, 0, 33, 0}
			want = make([]float32, len(ids)*cols)
			for i, id := range ids {
				p.Matrix().Row(want[i*cols:][:cols], id)
			}
			rowsOf := up(t, d, len(ids), cols, 2, nil)
			d.Gather(rowsOf, placed, ids)
			same(t, fmt.Sprintf("%+v rows", o), down(t, d, rowsOf), want)
			checkLengths(t, d, p.Matrix(), placed)
		}
	})
}

// checkLengths compares the lengths of rows and the squares of columns of a weight and a change of it.
func checkLengths(t *testing.T, d *Device, m kernels.Matrix, placed kernels.Placed) {
	t.Helper()
	const first, rows, scale = 2, 5, 0.375
	delta := newDice(9).floats(rows*m.Cols, ordinary)
	want, sums, got := make([]float32, rows), make([]float64, m.Cols), make([]float64, m.Cols)
	row := make([]float32, m.Cols)
	for i := range rows {
		m.Row(row, first+i)
		sum := 0.0
		for k, v := range row {
			x := float64(v + float32(scale*delta[i*m.Cols+k]))
			sum += float64(x * x)
			sums[k] += float64(x * x)
		}
		want[i] = float32(math.Sqrt(sum))
	}
	on, lengths := up(t, d, rows, m.Cols, 1, delta), up(t, d, 1, rows, 0, nil)
	d.RowLengths(lengths.Buffer, placed, first, on, scale)
	same(t, "lengths of rows", down(t, d, lengths), want)
	if err := d.ColumnSquares(got, placed, first, on, scale); err != nil {
		t.Fatal(err)
	}
	for k, s := range sums {
		if got[k] != s {
			t.Errorf("squares of column %d: %v, want %v", k, got[k], s)
			break
		}
	}
}
