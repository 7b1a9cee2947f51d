package tensor

import (
	"context"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/devicetest"
	"github.com/loupe-vl/loupe/kernels/meta"
)

// threeDevices are two foreign devices and the processor.
func threeDevices(t *testing.T) []kernels.Device {
	t.Helper()
	e, err := kernels.New(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return []kernels.Device{devicetest.New(e), devicetest.New(e), cpu.New(e)}
}

// TestCrossing: a chain of operations that goes from device to device has the values and the gradients that it has on one, to the bit, also
// where a tensor is used before and after a crossing.
func TestCrossing(t *testing.T) {
	devices := threeDevices(t)
	s := newSource(9)
	values := s.floats(4 * 6)
	chain := func(on []int, recompute bool) (y, dx []float32) {
		r := NewRun(context.Background(), devices[0], new(Arena), nil)
		r.Spread(devices)
		r.Record(&Tape{Recompute: recompute})
		r.At(on[0])
		x := r.WithGrad(r.Copy(r.Upload(Of(4, 6, slices.Clone(values)))))
		h := r.GELU(x)
		for _, i := range on[1:] {
			h = r.To(i, h)
			h = r.Scope(h, func(h Tensor) Tensor { return r.Add(h, r.QuickGELU(h)) })
		}
		h = r.Add(h, r.GELU(r.Here(x))) // x once more after the crossings, and then where it lies
		last := r.on
		r.At(on[0])
		h = r.Add(r.To(last, r.QuickGELU(x)), h)
		r.ChangeGrad(h, func(g Tensor) {
			for i := range g.Rows {
				for c := range g.Cols {
					g.Row(i)[c] = float32(i-c) / 3
				}
			}
		})
		r.Backward()
		y, dx = slices.Clone(r.Download(h).Floats()), slices.Clone(r.Download(x.gradTensor()).Floats())
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
		return y, dx
	}
	y, dx := chain([]int{2, 2, 2, 2}, false)
	for _, on := range [][]int{{0, 0, 0, 0}, {0, 1, 2, 2}, {2, 1, 0, 1}, {1, 1, 2, 0}, {0, 2, 0, 2}} {
		for _, recompute := range []bool{false, true} {
			gotY, gotDX := chain(on, recompute)
			if !slices.Equal(gotY, y) || !slices.Equal(gotDX, dx) {
				t.Errorf("over devices %v, recomputed %v, values and gradients are\n%v\n%v, want\n%v\n%v", on, recompute, gotY, gotDX, y, dx)
			}
		}
	}
}

// TestCrossingMemory: each device has an arena of its own, which the next step of the run's memory takes again; a crossing to the host
// allocates nothing once it has been made.
func TestCrossingMemory(t *testing.T) {
	devices := threeDevices(t)
	arena := new(Arena)
	step := func() {
		arena.Reset()
		r := NewRun(context.Background(), devices[0], arena, nil)
		r.Spread(devices)
		x := r.Upload(Of(4, 6, make([]float32, 24)))
		for _, i := range []int{1, 2, 0} {
			x = r.Scope(r.To(i, x), func(x Tensor) Tensor { return r.GELU(x) })
		}
		if err := r.Err(); err != nil {
			t.Fatal(err)
		}
	}
	step()
	before := []int{devices[0].(*devicetest.Device).Counts().Allocated, devices[1].(*devicetest.Device).Counts().Allocated}
	for i, n := range before {
		if n != 1 {
			t.Errorf("device %d has %d allocations after a step, want a chunk", i, n)
		}
	}
	step()
	if after := []int{devices[0].(*devicetest.Device).Counts().Allocated, devices[1].(*devicetest.Device).Counts().Allocated}; !slices.Equal(after, before) {
		t.Errorf("a second step makes the allocations %v, of %v", after, before)
	}
	for i, dev := range devices {
		if n := arena.On(i, dev).Bytes(); n != 4*arenaChunk {
			t.Errorf("the arena of device %d has %d bytes", i, n)
		}
	}
	host := NewRun(context.Background(), devices[2], arena.On(2, nil), nil)
	host.Spread(devices[2:])
	x := Of(4, 6, make([]float32, 24))
	if n := testing.AllocsPerRun(10, func() { x = host.To(0, x) }); n != 0 {
		t.Errorf("a run on one device allocates %v times for a crossing that is none", n)
	}
}

// TestOtherDevicesMemory: an operation on the memory of another device is a fault that is found, and not a wrong number.
func TestOtherDevicesMemory(t *testing.T) {
	devices := threeDevices(t)
	r := NewRun(context.Background(), devices[0], new(Arena), nil)
	r.Spread(devices)
	x := r.Upload(Of(1, 2, []float32{1, 2}))
	r.At(1)
	defer func() {
		if recover() == nil {
			t.Error("a device computes with the memory of another")
		}
	}()
	r.GELU(x)
}

// TestCrossingOfShapes: a run whose devices have shapes only goes through the same crossings, and takes memory where the run itself would.
func TestCrossingOfShapes(t *testing.T) {
	devices := []kernels.Device{meta.Device{Number: 1}, meta.Device{Number: 2}}
	arena := new(Arena)
	r := NewRun(context.Background(), devices[0], arena, nil)
	r.Spread(devices)
	x := r.New(4, 6)
	if y := r.To(1, x); y.Data.Owner() != devices[1] || r.Device() != devices[1] || r.Err() != nil {
		t.Errorf("after a crossing the tensor lies on %v and the run is on %v: %v", y.Data.Owner(), r.Device(), r.Err())
	}
	if r.To(0, x); arena.Bytes() == 0 || arena.On(1, nil).Bytes() == 0 {
		t.Errorf("the arenas have %d and %d bytes", arena.Bytes(), arena.On(1, nil).Bytes())
	}
}
