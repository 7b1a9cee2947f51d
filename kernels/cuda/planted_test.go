//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
	"github.com/loupe-vl/loupe/kernels/vec"
)

// TestPlantedFaults switches faults on in the kernels, one after the other, and asks that the comparison with plain Go finds each, in one
// order of threads at least. A library in which nothing is switched on must pass.
func TestPlantedFaults(t *testing.T) {
	cudatest.FakeOnly(t)
	const trans = kernels.TransW
	tile := productCase{rows: 130, cols: 129, steps: 40, form: trans, kind: kernels.F32, values: canceling}
	rows := productCase{rows: 5, cols: 65, steps: 200, form: trans, kind: kernels.BF16, values: canceling}
	mma := mmaCase{rows: 130, cols: 129, steps: 130, of: kernels.BF16, values: canceling}
	slices := mmaCase{rows: 2, cols: 9, steps: 3 * mmaSlice, of: kernels.BF16, values: canceling}
	for _, f := range []struct {
		fault string
		run   func(t *testing.T, d *Device) bool // whether it was found
	}{
		{"", tile.found},
		{"barrier", tile.found}, // of a tile, between the copies and their use
		{"wait", tile.found},    // for copies that go on beside the arithmetic
		{"wait", rows.found},
		{"edge", tile.found},  // rows beyond the last are read
		{"order", tile.found}, // of k
		{"fma", tile.found},   // in two instructions
		{"fma", rows.found},
		{"lanes", normFound},            // added one after the other
		{"spans", spansFound},           // of a quantized product, in another order
		{"page", attendFound},           // keys of the page before
		{"attend barrier", attendFound}, // between the copies and their use
		{"attend order", attendFound},   // of keys
		{"wait", attendFound},
		{"page", attendTilesFound},
		{"attend barrier", attendTilesFound},
		{"attend order", attendTilesFound},
		{"wait", attendTilesFound},
		{"", attendTilesFound},
		{"", attendFound},
		{"barrier", mma.found}, // of a tile for tensor cores
		{"edge", mma.found},
		{"order", mma.found}, // of the halves of a chunk
		{"wait", mma.found},
		{"slices", slices.found}, // of steps, added up in another order
		{"", normFound},
		{"", spansFound},
		{"", mma.found},
		{"", slices.found},
	} {
		found := false
		for _, order := range orders {
			t.Setenv("CUDASIM_ORDER", order)
			t.Setenv("CUDASIM_PLANT", f.fault)
			d := openLibrary(t, planted)
			found = f.run(t, d) || found
			d.Close()
		}
		if found != (f.fault != "") {
			t.Errorf("the fault %q: found %v", f.fault, found)
		}
	}
}

// found reports whether a product differs from plain Go's, or fails.
func (c productCase) found(t *testing.T, d *Device) bool {
	r := newDice(7)
	x, w := r.floats(c.rows*c.steps, c.values), r.matrix(c.kind, c.cols, c.steps, 0, c.values)
	want := make([]float32, c.rows*c.cols)
	reference.MatMul(dense(c.rows, c.cols, want), dense(c.rows, c.steps, x), w, c.form)
	placed, err := d.PlaceWeight(w)
	if err != nil {
		t.Fatal(err)
	}
	dst := up(t, d, c.rows, c.cols, 0, want)
	d.MatMul(dst, up(t, d, c.rows, c.steps, 0, x), placed, c.form)
	got := make([]float32, len(want))
	err = d.Download(got, dst)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return err != nil || differ(got, want) >= 0
}

// found reports whether a product by tensor cores differs from plain Go's, or fails.
func (c mmaCase) found(t *testing.T, d *Device) bool { return c.differs(t, d) != "" }

// normFound reports whether a norm differs from plain Go's.
func normFound(t *testing.T, d *Device) bool {
	const rows, n = 8, 1000
	r := newDice(3)
	x, w, want := r.floats(rows*n, ordinary), r.floats(n, ordinary), make([]float32, rows*n)
	for i := range rows {
		vec.RMSNorm(want[i*n:][:n], x[i*n:][:n], w, 1e-6)
	}
	dst := up(t, d, rows, n, 0, nil)
	d.RMSNorm(dst, up(t, d, rows, n, 0, x), buffer(t, d, w), 1e-6)
	return differ(down(t, d, dst), want) >= 0
}

// spansFound reports whether a quantized product differs from plain Go's.
func spansFound(t *testing.T, d *Device) bool {
	return quantizedFound(t, d, kernels.Quantizing{Bits: 8, Group: 128}, 2, 40, 700, ordinary, false) != ""
}

// attendFound reports whether an attention differs from plain Go's.
func attendFound(t *testing.T, d *Device) bool {
	c := jobCase{heads: 6, kvHeads: 1, width: 80, sequences: []sequence{{1, 150, 1, 64, 0}, {2, 70, 1, 64, 0}}, values: canceling}
	return c.differs(t, d) != ""
}

// attendTilesFound is attendFound for tiles.
func attendTilesFound(t *testing.T, d *Device) bool {
	defer func(n int) { tilesFrom = n }(tilesFrom)
	tilesFrom = 0
	c := jobCase{heads: 2, kvHeads: 1, width: 80, sequences: []sequence{{20, 150, 1, 64, 0}}, values: canceling}
	return c.differs(t, d) != ""
}
