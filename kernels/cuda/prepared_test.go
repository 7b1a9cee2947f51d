//go:build cuda && linux && cgo

package cuda

import (
	"testing"

	"github.com/loupe-vl/loupe/kernels"
)

// TestPreparedOperands: products that follow one another read what was made of their left operand once, and never what was made of other
// numbers: whatever writes to x in between has it made anew.
func TestPreparedOperands(t *testing.T) {
	d := open(t)
	r := newDice(6)
	const rows, n = 12, 704 // a long upload is of more than 32 KiB
	weights := map[string]kernels.Matrix{"round_activations": r.matrix(kernels.BF16Products, 8, n, 0, ordinary), "round_to_bf16": r.matrix(kernels.BF16MMA, 8, n, 0, ordinary)}
	packed, err := reference.Quantize(r.matrix(kernels.F32, 8, n, 0, ordinary), kernels.Quantizing{Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	weights["quantize_rows"] = packed.Matrix()
	for kernel, m := range weights {
		w, err := d.PlaceWeight(m)
		if err != nil {
			t.Fatal(err)
		}
		x, other := up(t, d, rows, n, 0, r.floats(rows*n, ordinary)), up(t, d, rows, n, 0, r.floats(rows*n, ordinary))
		y := up(t, d, rows, m.Rows, 0, nil)
		made := 0
		product := func(x kernels.Array) []float32 {
			d.Affine(y, x, w, kernels.Buffer{})
			made = 0
			for _, l := range d.queue.list {
				if d.nameOf(l) == kernel {
					made++
				}
			}
			return down(t, d, y)
		}
		twice := func(x kernels.Array) []float32 { // the second one in the same sequence of launches
			d.Affine(y, x, w, kernels.Buffer{})
			return product(x)
		}
		want := product(up(t, d, rows, n, 0, down(t, d, x)))
		same(t, kernel, twice(x), want)
		if made != 1 {
			t.Errorf("%s runs %d times for two products of one operand", kernel, made)
		}
		for name, write := range map[string]func(){
			"an operation":   func() { d.Add(x, x, other) },
			"a copy of rows": func() { d.CopyRows(x.Window(3, 0, 1, n), nil, other.Window(3, 0, 1, n), nil) },
			"a short upload": func() { err = d.Upload(x.Window(0, 0, 1, 1), []float32{5}) },
			"a long upload":  func() { err = d.Upload(x, r.floats(rows*n, ordinary)) },
		} {
			d.Affine(y, x, w, kernels.Buffer{})
			if write(); err != nil {
				t.Fatal(err)
			}
			got := product(x)
			same(t, kernel+" after "+name, got, product(up(t, d, rows, n, 0, down(t, d, x))))
		}
	}
	square, err := reference.Quantize(r.matrix(kernels.F32, 64, 64, 0, ordinary), kernels.Quantizing{Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.PlaceWeight(square.Matrix())
	if err != nil {
		t.Fatal(err)
	}
	x, y := up(t, d, rows, 64, 0, r.floats(rows*64, ordinary)), up(t, d, rows, 64, 0, nil)
	d.Affine(y, x, w, kernels.Buffer{})
	d.Affine(x, y, w, kernels.Buffer{}) // a product writes to x
	d.Affine(y, x, w, kernels.Buffer{})
	got := down(t, d, y)
	d.Affine(y, up(t, d, rows, 64, 0, down(t, d, x)), w, kernels.Buffer{})
	same(t, "after a product", got, down(t, d, y))
}
