//go:build cuda && linux && cgo

package cuda

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/kernels/vec"
)

func TestRows(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		const rows, cols = 9, 37
		r := newDice(13)
		x, before := r.floats(rows*cols, canceling), r.floats(rows*cols, ordinary)
		on := up(t, d, rows, cols, 2, x)
		to, from := []int{3, 0, 3, 8}, []int{1, 8, 0, 5}

		copied, added := slices.Clone(before), slices.Clone(before)
		for i := range to {
			copy(copied[to[i]*cols:][:cols], x[from[i]*cols:][:cols])
			for c := range cols {
				added[to[i]*cols+c] += x[from[i]*cols+c]
			}
		}
		copy(copied[3*cols:][:cols], x[0:cols])
		dst := up(t, d, rows, cols, 0, before)
		d.CopyRows(dst, to[1:], on, from[1:])
		same(t, "copied rows", down(t, d, dst), copied)
		dst = up(t, d, rows, cols, 0, before)
		d.AddRows(dst, to, on, from)
		same(t, "added rows", down(t, d, dst), added)
		dst = up(t, d, rows, cols, 0, before)
		d.CopyRows(dst, nil, on, nil)
		same(t, "all rows", down(t, d, dst), x)

		sum, mean, dx := slices.Clone(before[:cols]), make([]float32, cols), slices.Clone(before)
		for i := range rows {
			for c := range cols {
				sum[c] += x[i*cols+c]
				mean[c] += x[i*cols+c]
				dx[i*cols+c] += x[c] / rows
			}
		}
		for c := range mean {
			mean[c] /= rows
		}
		total := up(t, d, 1, cols, 0, before[:cols])
		d.SumRows(total.Buffer, on)
		same(t, "sum of rows", down(t, d, total), sum)
		m := up(t, d, 1, cols, 0, nil)
		d.MeanRows(m, on)
		same(t, "mean of rows", down(t, d, m), mean)
		dst = up(t, d, rows, cols, 0, before)
		d.MeanRowsBackward(dst, on.Window(0, 0, 1, cols))
		same(t, "mean of rows, backward", down(t, d, dst), dx)

		for _, layout := range []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16, kernels.BF16Products} {
			w := r.matrix(layout, rows, cols, 1, ordinary)
			placed, err := d.PlaceWeight(w)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, len(to)*cols)
			for i, id := range from {
				w.Row(want[i*cols:][:cols], id)
			}
			dst := up(t, d, len(to), cols, 0, nil)
			d.Gather(dst, placed, from)
			same(t, "embedding rows", down(t, d, dst), want)
			checkLengths(t, d, w, placed)
		}
	})
}

func TestSearches(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		nan, inf := float32(math.NaN()), float32(math.Inf(1))
		r := newDice(17)
		for _, cols := range []int{1, 5, 255, 256, 257, 1000} {
			rows := [][]float32{r.floats(cols, ordinary), r.floats(cols, nonFinite), make([]float32, cols), slices.Repeat([]float32{nan}, cols), slices.Repeat([]float32{-inf}, cols), slices.Repeat([]float32{nan}, cols)}
			rows[5][cols-1] = -inf
			rows[0][cols/2], rows[0][cols-1] = 9, 9
			x := slices.Concat(rows...)
			got, err := d.ArgMax(up(t, d, len(rows), cols, 3, x))
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range rows {
				if want := num.ArgMax(row); got[i] != want {
					t.Errorf("the largest of row %d of %d columns is at %d, want %d", i, cols, got[i], want)
				}
			}
			clean := r.floats(4*cols, ordinary)
			if row, col := d.FirstNonFinite(up(t, d, 4, cols, 1, clean)); row != -1 {
				t.Errorf("(%d, %d) of finite numbers is not finite", row, col)
			}
			clean[2*cols+cols/2], clean[3*cols] = nan, inf
			if row, col := d.FirstNonFinite(up(t, d, 4, cols, 1, clean)); row != 2 || col != cols/2 {
				t.Errorf("the first that is not finite is at (%d, %d), want (2, %d)", row, col, cols/2)
			}
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		for i, cols := range []int{2, 16, 129, 300} {
			const rows, scale = 4, 0.125
			r := newDice(uint64(19 + i))
			x, grad := r.floats(rows*cols, []int{ordinary, canceling}[i%2]), r.floats(rows*cols, ordinary)
			labels := []int{1, -1, cols - 1, 0}
			probs, before := make([]float32, rows*cols), r.floats(rows*cols, ordinary)
			copy(probs, before)
			want, got, back := make([]float64, rows), make([]float64, rows), slices.Clone(grad)
			for i, l := range labels {
				if l >= 0 {
					row, g := probs[i*cols:][:cols], back[i*cols:][:cols]
					want[i] = vec.Generic.CrossEntropy(row, x[i*cols:][:cols], l)
					vec.AddScaled(g, row, scale)
					g[l] -= scale
				}
			}
			p, dx := up(t, d, rows, cols, 1, before), up(t, d, rows, cols, 0, grad)
			if err := d.CrossEntropy(got, p, up(t, d, rows, cols, 2, x), labels); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("losses %v, want %v", got, want)
			}
			same(t, "probabilities", down(t, d, p), probs)
			d.CrossEntropyBackward(dx, p, labels, scale)
			same(t, "gradient of logits", down(t, d, dx), back)
		}
	})
}

func TestLearning(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		const n, rows = 301, 7
		r := newDice(23)
		x, g, m, v := r.floats(n, ordinary), r.floats(n, canceling), r.floats(n, ordinary), r.floats(n, denormal)
		for i := range v {
			v[i] = float32(math.Abs(float64(v[i])))
		}
		s := kernels.AdamWStep{Keep: 0.999, Scale: 0.7, Rate: 1e-3, Root: 1.5, Eps: 1e-8, Beta1: 0.1, Beta2: 0.999, Rest2: 0.001}
		xs, gs, ms, vs := buffer(t, d, x), buffer(t, d, g), buffer(t, d, m), buffer(t, d, v)
		d.AdamW(xs, gs, ms, vs, s)
		for i := range x {
			g := float32(g[i] * s.Scale)
			m[i] += float32((g - m[i]) * s.Beta1)
			v[i] = float32(v[i]*s.Beta2) + float32(float32(g*g)*s.Rest2)
			down := float32(float32(math.Sqrt(float64(v[i])))*s.Root) + s.Eps
			x[i] = float32(x[i]*s.Keep) - float32(s.Rate*float32(m[i]/down))
		}
		same(t, "parameters", down(t, d, xs.Row()), x)
		same(t, "first moments", down(t, d, ms.Row()), m)
		same(t, "second moments", down(t, d, vs.Row()), v)

		gain, lengths, of, dy := r.floats(n, ordinary), r.floats(n, ordinary), r.floats(rows*n, canceling), r.floats(rows*n, ordinary)
		on := buffer(t, d, gain)
		d.ScaleColumnsBackward(on, up(t, d, rows, n, 1, of), up(t, d, rows, n, 0, dy), buffer(t, d, lengths))
		for c := range gain {
			sum := float32(0)
			for i := range rows {
				sum += float32(dy[i*n+c] * of[i*n+c])
			}
			gain[c] += sum / lengths[c]
		}
		same(t, "gradient of gains", down(t, d, on.Row()), gain)
	})
}

// TestRefusals: what does not fit is an error that says so, of the next call that has one.
func TestRefusals(t *testing.T) {
	for name, f := range map[string]func(d *Device, x kernels.Array, w kernels.Placed){
		"a product of (2, 4) by (3, 5)": func(d *Device, x kernels.Array, w kernels.Placed) { d.MatMul(x, x, w, kernels.TransW) },
		"row 7 of a table of 5":         func(d *Device, x kernels.Array, w kernels.Placed) { d.Gather(x.Window(0, 0, 1, 3), w, []int{7}) },
		"row 2 of an array of 2":        func(d *Device, x kernels.Array, w kernels.Placed) { d.CopyRows(x, []int{2}, x, []int{0}) },
		"has an operand of (2, 3)":      func(d *Device, x kernels.Array, w kernels.Placed) { d.Add(x, x, x.Window(0, 0, 2, 3)) },
		"are no heads of twice 3": func(d *Device, x kernels.Array, w kernels.Placed) {
			d.Rotate(x, x, x.Window(0, 0, 2, 3), x.Window(0, 0, 2, 3))
		},
		"place it first": func(d *Device, x kernels.Array, w kernels.Placed) { d.MatMul(x, x, kernels.Placed{}, kernels.TransW) },
		"rows 1 to 6 of 3 numbers": func(d *Device, x kernels.Array, w kernels.Placed) {
			d.RowLengths(x.Buffer, w, 1, kernels.Array{Rows: 5, Cols: 3, Buffer: x.Buffer}, 1)
		},
		"label 4 of 4": func(d *Device, x kernels.Array, w kernels.Placed) { d.CrossEntropyBackward(x, x, []int{4, 0}, 1) },
	} {
		d := open(t)
		w, err := d.PlaceWeight(newDice(1).matrix(kernels.F32, 5, 3, 0, ordinary))
		if err != nil {
			t.Fatal(err)
		}
		f(d, up(t, d, 2, 4, 0, make([]float32, 8)), w)
		if err := d.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}
