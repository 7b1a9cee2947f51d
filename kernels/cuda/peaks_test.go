//go:build cuda && linux && cgo

package cuda

import (
	stdcontext "context"
	"errors"
	"testing"
	"time"
)

// TestPeaks: everything is measured, and memory is given back. What the figures are is a GPU's matter.
func TestPeaks(t *testing.T) {
	d := open(t)
	before := d.ctx.used
	p, err := d.Peaks(t.Context(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]float64{"FMA": p.FMA, "Int8": p.Int8, "BF16": p.BF16, "Read": p.Read, "Upload": p.Upload, "Launch": float64(p.Launch), "Wait": float64(p.Wait)} {
		if !(v > 0) {
			t.Errorf("%s is %v", name, v)
		}
	}
	if d.ctx.used != before {
		t.Errorf("%d bytes are allocated after it, and were %d before", d.ctx.used, before)
	}
	written, free, err := d.FreeOrderCost(t.Context(), 40, 136, time.Millisecond)
	if err != nil || !(written > 0 && free > 0) {
		t.Errorf("a product of one row takes %v by law 1 and %v in no order: %v", written, free, err)
	}
	if _, _, err := d.FreeOrderCost(t.Context(), 40, 137, time.Millisecond); err == nil {
		t.Error("a row that is no multiple of 8 is measured")
	}
	ctx, cancel := stdcontext.WithCancel(t.Context())
	cancel()
	if _, err := d.Peaks(ctx, time.Millisecond); !errors.Is(err, stdcontext.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// TestFreeOrder: the product that is timed is a product: of small whole numbers, whose sums are exact in every order.
func TestFreeOrder(t *testing.T) {
	inOrders(t, func(t *testing.T, d *Device) {
		const rows, steps = 5, 1096
		r := newDice(4)
		x, w := make([]float32, steps), make([]uint16, rows*steps)
		want := make([]float32, rows)
		for i := range x {
			x[i] = float32(r.IntN(9) - 4)
		}
		for i := range w {
			v := r.IntN(9) - 4
			w[i] = uint16([]uint32{0xc080, 0xc040, 0xc000, 0xbf80, 0, 0x3f80, 0x4000, 0x4040, 0x4080}[v+4])
			want[i/steps] += float32(v) * x[i%steps]
		}
		var at address
		d.locked(func() {
			var err error
			if at, err = place(d, w); err != nil {
				t.Error(err)
			}
		})
		on, dst := up(t, d, 1, steps, 0, x), up(t, d, 1, rows, 0, nil)
		d.locked(func() {
			launch(d, "free_order", [3]int{rows, 1, 1}, 128, freeOrderArgs{dst: d.at(dst.Buffer), x: d.at(on.Buffer), w: at, wRow: steps, cols: rows, steps: steps})
		})
		same(t, "in no order", down(t, d, dst), want)
	})
}

// TestPeakMemory: the most that was allocated at a time, from one question to the next.
func TestPeakMemory(t *testing.T) {
	d := open(t)
	d.PeakMemory()
	base := d.PeakMemory()
	a, err := d.Alloc(1000)
	if err != nil {
		t.Fatal(err)
	}
	d.Free(a)
	if b, err := d.Alloc(500); err != nil {
		t.Fatal(err)
	} else {
		defer d.Free(b)
	}
	if got := d.PeakMemory() - base; got != 4000 {
		t.Errorf("%d bytes at most, want 4000", got)
	}
	if got := d.PeakMemory() - base; got != 2000 {
		t.Errorf("%d bytes at most since then, want 2000", got)
	}
}
