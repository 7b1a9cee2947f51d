//go:build cuda && linux && cgo

package cuda

import (
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
)

// TestRandomWeights: what a device makes by itself is to the bit what the host writes down, in each layout, at shapes with edges and beyond
// one round of the grid.
func TestRandomWeights(t *testing.T) {
	var values [kernels.RandomValues]uint16
	for i := range values {
		values[i] = uint16(i*16 + 5)
	}
	inOrders(t, func(t *testing.T, d *Device) {
		for _, shape := range [][2]int{{1, 1}, {3, 5}, {33, 70}, {64, 256}, {40, 129}} {
			rows, cols := shape[0], shape[1]
			for i, as := range []kernels.Layout{kernels.BF16, kernels.BF16Products, kernels.BF16MMA, kernels.Quantizing{Bits: 8, Group: 128}.Packed(rows, cols), kernels.Quantizing{Bits: 8}.Packed(rows, cols), kernels.Quantizing{Bits: 4, Group: 32}.Packed(rows, cols)} {
				r := &kernels.RandomWeights{Key: uint64(i)<<61 + 0x9e3779b97f4a7c15, As: as, Values: &values, Scale: 0x1234}
				m := kernels.Matrix{Layout: r, Rows: rows, Cols: cols, Stride: cols}
				made, err := d.PlaceWeight(m)
				if err != nil {
					t.Fatal(err)
				}
				written, err := d.PlaceWeight(r.Fill(m, reference.For))
				if err != nil {
					t.Fatal(err)
				}
				got, want := made.On.(*weight), written.On.(*weight)
				if got.layout != want.layout || got.span != want.span || got.row != want.row {
					t.Errorf("%T: made %s in spans of %d and rows of %d, written %s, %d and %d", as, got.exact, got.span, got.row, want.exact, want.span, want.row)
				}
				for part, at := range want.parts() {
					if (got.parts()[part] == 0) != (at == 0) {
						t.Errorf("%T: part %d is there only once", as, part)
					}
				}
				full := r.Fill(m, reference.For)
				if p, packed := full.Layout.(*kernels.PackedWeights); packed {
					equalBytes(t, d, "weights", got.panels.weights, p.Weights)
					equalBytes(t, d, "scales", got.panels.scales, p.Scales)
					equalBytes(t, d, "sub-scales", got.panels.more, p.SubScales)
				} else {
					equalBytes(t, d, "numbers", got.at, full.Bits)
				}
			}
		}
	})
}

// equalBytes compares device memory with what should be there.
func equalBytes[E uint8 | uint16](t *testing.T, d *Device, what string, at address, want []E) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	got := make([]E, len(want))
	d.mu.Lock()
	d.down(unsafe.Pointer(&got[0]), at, len(got)*int(unsafe.Sizeof(got[0])))
	err := d.err
	d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		if got[i] != w {
			t.Fatalf("%s: number %d of %d is %x, want %x", what, i, len(want), got[i], w)
		}
	}
}
