package kernels

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRandomWeights: what is written down is what the layout says number by number, at shapes with edges, in each layout; and other keys
// are other numbers.
func TestRandomWeights(t *testing.T) {
	serial := func(n, grain int, f func(lo, hi int)) {
		for i := 0; i < n; i += grain {
			f(i, min(i+grain, n))
		}
	}
	var values [RandomValues]uint16
	for i := range values {
		values[i] = 0x3f80 + uint16(i%128)
	}
	for _, shape := range [][2]int{{1, 1}, {3, 5}, {33, 70}, {64, 256}, {40, 129}} {
		rows, cols := shape[0], shape[1]
		for _, as := range []Layout{BF16, BF16Products, Quantizing{Bits: 8, Group: 128}.Packed(rows, cols), Quantizing{Bits: 4, Group: 32}.Packed(rows, cols)} {
			w := &RandomWeights{Key: 7, As: as, Values: &values, Scale: 0x2000}
			m := Matrix{Layout: w, Rows: rows, Cols: cols, Stride: cols}
			full := w.Fill(m, serial)
			if p, packed := full.Layout.(*PackedWeights); packed {
				if err := p.Check(); err != nil {
					t.Errorf("(%d, %d): %v", rows, cols, err)
				}
			} else if full.Layout != as {
				t.Errorf("the layout is %T, want %T", full.Layout, as)
			}
			if full.Bytes() != m.Bytes() || full.Arithmetic() != m.Arithmetic() {
				t.Errorf("%T of (%d, %d): %d bytes and arithmetic %d written down, %d and %d before", as, rows, cols, full.Bytes(), full.Arithmetic(), m.Bytes(), m.Arithmetic())
			}
			want, got := make([]float32, rows*cols), make([]float32, rows*cols)
			for r := range rows {
				full.Row(want[r*cols:][:cols], r)
			}
			m.Layout.Dequantize(got, cols, m, 0, rows, 0, cols)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%T of (%d, %d) (-written +asked):\n%s", as, rows, cols, d)
			}
			other := *w
			other.Key++
			if o := other.Fill(m, serial); rows > 1 && slices.Equal(o.Bits, full.Bits) && o.Bits != nil {
				t.Errorf("%T: another key has the same numbers", as)
			}
		}
	}
}

// TestRandomPackedEdges: what lies beyond a packed matrix is the zero of its form.
func TestRandomPackedEdges(t *testing.T) {
	whole := func(n, _ int, f func(lo, hi int)) { f(0, n) }
	for _, bits := range []int{8, 4} {
		w := &RandomWeights{Key: 3, As: Quantizing{Bits: bits, Group: 128}.Packed(3, 40), Scale: 0x3c00}
		p := w.Fill(Matrix{Layout: w, Rows: 3, Cols: 40}, whole).Layout.(*PackedWeights)
		// Rows and columns up to the panel's edge, as the kernels read them.
		p.Rows, p.Cols = 32, 64
		m := p.Matrix()
		row := make([]float32, 64)
		for r := range 32 {
			m.Row(row, r)
			for k, v := range row {
				if (r >= 3 || k >= 40) && v != 0 || math.IsNaN(float64(v)) {
					t.Fatalf("%d bits: element (%d, %d) is %v", bits, r, k, v)
				}
			}
		}
	}
}
