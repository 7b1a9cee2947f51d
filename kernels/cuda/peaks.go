//go:build cuda && linux && cgo

package cuda

import (
	stdcontext "context"
	"errors"
	"math"
	"runtime"
	"time"

	"github.com/loupe-vl/loupe/kernels"
)

var _ kernels.MeasuredDevice = (*Device)(nil)

// peakArgs is struct Peak of the kernels.
type peakArgs struct {
	out, in      address
	n            int64
	steps, never int32
}

// The shape of the loops that measure: see bench.cu.
const (
	peakThreads = 256
	peakBlocks  = 8 // for each multiprocessor
	peakFMA     = 16
	peakMMA     = 8
)

// longest is how long one kernel may run: displays' watchdogs end what takes seconds.
const longest = 100 * time.Millisecond

// Peaks measures what the device can do at most, each for about a window, the best of what was timed.
func (d *Device) Peaks(ctx stdcontext.Context, window time.Duration) (kernels.Peaks, error) {
	var p kernels.Peaks
	free, _, err := d.free()
	if err != nil {
		return p, err
	}
	size := int(min(free/4, 2<<30)) // no cache holds 2 GiB
	if window < 20*time.Millisecond {
		size = min(size, 1<<20)
	}
	size &^= 15
	buffer, err := d.Alloc(size / 4)
	if err != nil {
		return p, err
	}
	defer d.Free(buffer)
	on, _ := buffer.Device()
	at := address(on.Handle)
	d.locked(func() { // what is read must be no zeros: they take less power
		launch(d, "random_panels", flat(size/8), flatThreads, randomPanelsArgs{weights: at, nWeights: int64(size), rows: math.MaxInt32, cols: math.MaxInt32, blocks: 1 << 20, bits: 8})
	})

	grid := [3]int{peakBlocks * d.info.Processors, 1, 1}
	threads := float64(grid[0] * peakThreads)
	loop := func(name string, n int) func(steps int) {
		return func(steps int) {
			d.locked(func() {
				launch(d, name, grid, peakThreads, peakArgs{out: at, in: at, n: int64(n), steps: int32(steps), never: math.MinInt32 + 77})
			})
		}
	}
	rate := func(work float64, run func(steps int)) float64 {
		if err != nil {
			return 0
		}
		var t time.Duration
		t, err = d.timed(ctx, window, run)
		return work / float64(t.Nanoseconds()) * float64(picks)
	}
	p.FMA = rate(threads*peakFMA*2, loop("peak_fma", 0))
	p.Int8 = rate(threads/32*peakMMA*16*8*32*2, loop("peak_mma_s8", 0))
	p.BF16 = rate(threads/32*peakMMA*16*8*16*2, loop("peak_mma_bf16", 0))
	p.Read = rate(float64(size), loop("peak_read", size/16))
	part := min(stagingHalf, size)
	p.Upload = rate(float64(part), func(steps int) {
		d.locked(func() {
			for range steps {
				d.fail(d.ctx.up(at, d.staging.up[0].memory, part))
			}
			d.busy = true
		})
	})
	nothing, graphs := loop("peak_nothing", 0), d.queue.noGraphs
	d.locked(func() { d.queue.noGraphs = true }) // launches are measured one by one
	defer d.locked(func() { d.queue.noGraphs = graphs })
	if err == nil {
		var t time.Duration
		t, err = d.timed(ctx, window, func(steps int) {
			for range steps {
				nothing(0)
			}
		})
		p.Launch = t / picks
	}
	if err == nil {
		var t time.Duration
		t, err = d.timed(ctx, window, func(steps int) {
			for range steps {
				nothing(0)
				if err := d.Err(); err != nil {
					return
				}
			}
		})
		p.Wait = t / picks
	}
	return p, err
}

// picks is the unit in which timed tells time: of so many steps, so that short ones keep their digits.
const picks = 1_000_000

// timed is how long run takes for picks steps: the best of what fits a window, once a run takes a tenth of it or as long as a kernel may.
func (d *Device) timed(ctx stdcontext.Context, window time.Duration, run func(steps int)) (time.Duration, error) {
	once := func(steps int) (time.Duration, error) {
		if err := d.Err(); err != nil { // it waits
			return 0, err
		}
		start := time.Now()
		run(steps)
		err := d.Err()
		return time.Since(start), errors.Join(err, ctx.Err())
	}
	steps, enough := 1, min(window/10, longest/4)
	best := math.Inf(1)
	for start := time.Now(); ; {
		t, err := once(steps)
		if err != nil {
			return 0, err
		}
		if t < enough && steps < 1<<24 {
			steps *= 2
			continue
		}
		best = min(best, float64(t.Nanoseconds())/float64(steps))
		if time.Since(start) > window {
			return time.Duration(max(1, best*picks)), nil
		}
	}
}

// free is how much memory is free, and how much there is.
func (d *Device) free() (free, total uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.freed) > 0 {
		d.wait()
	}
	if d.err != nil {
		return 0, 0, d.err
	}
	return d.ctx.memory()
}

// PeakMemory is the most bytes that were allocated at a time since the last call.
func (d *Device) PeakMemory() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	most := d.ctx.most
	d.ctx.most = d.ctx.used
	return int64(most)
}

// freeOrderArgs is struct FreeOrder of the kernels.
type freeOrderArgs struct {
	dst, x, w   address
	wRow        int64
	cols, steps int32
}

// FreeOrderCost times a product of one row and bfloat16 weights of (cols, steps), steps a multiple of 8, by law 1 and in no order.
func (d *Device) FreeOrderCost(ctx stdcontext.Context, cols, steps int, window time.Duration) (written, free time.Duration, err error) {
	if steps%8 != 0 {
		return 0, 0, errors.New("cuda: a product in free order is measured with steps that are a multiple of 8")
	}
	var values [kernels.RandomValues]uint16
	for i := range values {
		values[i] = 0x3c00 + uint16(i)%256 // small, of one sign
	}
	m := kernels.Matrix{Layout: &kernels.RandomWeights{Key: 1, As: kernels.BF16, Values: &values}, Rows: cols, Cols: steps, Stride: steps}
	placed, err := d.PlaceWeight(m)
	if err != nil {
		return 0, 0, err
	}
	var x, y kernels.Array
	for _, a := range []struct {
		to *kernels.Array
		n  int
	}{{&x, steps}, {&y, cols}} {
		b, err := d.Alloc(a.n)
		if err != nil {
			return 0, 0, err
		}
		defer d.Free(b)
		*a.to = b.Row()
		d.Clear(*a.to)
	}
	t, err := d.timed(ctx, window, func(n int) {
		for range n {
			d.Affine(y, x, placed, kernels.Buffer{})
		}
	})
	if err != nil {
		return 0, 0, err
	}
	a := freeOrderArgs{w: placed.On.(*weight).at, wRow: int64(steps), cols: int32(cols), steps: int32(steps)}
	d.locked(func() { a.dst, a.x = d.at(y.Buffer), d.at(x.Buffer) })
	u, err := d.timed(ctx, window, func(n int) {
		d.locked(func() {
			for range n {
				launch(d, "free_order", [3]int{cols, 1, 1}, 128, a)
			}
		})
	})
	runtime.KeepAlive(placed)
	return t / picks, u / picks, err
}

// locked runs f with d.mu held, as launches want it.
func (d *Device) locked(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}
