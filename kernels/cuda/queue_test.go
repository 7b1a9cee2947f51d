//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// openFake is a device of the fake driver with options, on which everything is done as late as it may be.
func openFake(t *testing.T, o Options) *Device {
	t.Helper()
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_LAZY", "1")
	if o.Library = simulated; o.Library == "" {
		t.Skip("the fake driver is not built")
	}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// called is how often a function of the driver is called by f.
func called(t *testing.T, name string, f func()) int {
	t.Helper()
	before := cudatest.Calls(t, simulated, name)[0]
	f()
	return cudatest.Calls(t, simulated, name)[0] - before
}

// times multiplies a number by 2 so many times, in as many launches, and takes it down.
func times(t *testing.T, d *Device, x kernels.Array, from float32, n int) float32 {
	t.Helper()
	if err := d.Upload(x, []float32{from}); err != nil {
		t.Fatal(err)
	}
	for range n {
		d.Add(x, x, x)
	}
	return down(t, d, x)[0]
}

// TestGraphs: launches that come a second time make a graph, which is launched from the third time on, with the arguments of that time: also
// where memory was freed meanwhile. There are never more than mostGraphs, and a driver that makes none changes nothing.
func TestGraphs(t *testing.T) {
	cudatest.FakeOnly(t)
	d := openFake(t, Options{})
	x := up(t, d, 1, 1, 0, nil)
	for i, want := range []int{0, 0, 1, 1} {
		if got := called(t, "cuGraphLaunch", func() {
			if got := times(t, d, x, float32(i), 9); got != float32(i)*512 {
				t.Errorf("time %d: %v", i, got)
			}
		}); got != want {
			t.Errorf("time %d: %d graphs are launched, want %d", i, got, want)
		}
	}
	if n := called(t, "cuGraphExecKernelNodeSetParams_v2", func() { times(t, d, x, 7, 9) }); n != 1 {
		t.Errorf("%d nodes are set for one argument that changed", n)
	}
	for i := range 3 { // the same launches, elsewhere
		y := up(t, d, 1, 1, 0, nil)
		d.Free(x.Buffer)
		if x = y; called(t, "cuGraphLaunch", func() {
			if got := times(t, d, x, float32(i+3), 9); got != float32(i+3)*512 {
				t.Errorf("after memory was freed: %v", got)
			}
		}) != 1 {
			t.Error("after memory was freed no graph is launched")
		}
	}
	for round := range 3 { // longer and longer ones
		for n := 10; n < 10+2*mostGraphs; n++ {
			if got, want := times(t, d, x, 1, n), float32(uint64(1)<<n); got != want {
				t.Fatalf("round %d: %d launches give %v, want %v", round, n, got, want)
			}
		}
	}
	live := func() int {
		c := cudatest.Calls(t, simulated, "cuGraphCreate", "cuGraphDestroy", "cuGraphExecDestroy")
		if c[1] != c[2] {
			t.Errorf("%d graphs and %d of what was made of them are destroyed", c[1], c[2])
		}
		return c[0] - c[1]
	}
	if n := live(); n > mostGraphs || len(d.queue.graphs) != mostGraphs {
		t.Errorf("there are %d graphs, %d of them known", n, len(d.queue.graphs))
	}
	before := live() - len(d.queue.graphs)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if n := live(); n != before {
		t.Errorf("%d graphs are left of a closed device", n-before)
	}

	for name, o := range map[string]Options{"off": {NoGraphs: true}, "refused": {}} {
		if name == "refused" {
			t.Setenv("CUDASIM_FAIL", "cuGraphInstantiateWithFlags:2")
		}
		d := openFake(t, o)
		x := up(t, d, 1, 1, 0, nil)
		if n := called(t, "cuGraphLaunch", func() {
			for i := range 4 {
				if got := times(t, d, x, float32(i), 9); got != float32(i)*512 {
					t.Errorf("%s: time %d gives %v", name, i, got)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %d graphs are launched", name, n)
		}
	}
}

// TestLongSequences: more launches than a sequence has are done in order, and none waits for a graph that is not there.
func TestLongSequences(t *testing.T) {
	d := openFake(t, Options{})
	x, one := up(t, d, 1, 1, 0, []float32{0}), up(t, d, 1, 1, 0, []float32{1})
	const n = 2*mostQueued + 100
	for range 3 {
		if err := d.Upload(x, []float32{0}); err != nil {
			t.Fatal(err)
		}
		for range n {
			d.Add(x, x, one)
		}
		if got := down(t, d, x)[0]; got != n {
			t.Errorf("%d launches count to %v", n, got)
		}
	}
}

// TestFreeWhileQueued: memory that queued launches use is given back after them, and where no other is left an allocation waits for it.
func TestFreeWhileQueued(t *testing.T) {
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_MEMORY", "1048576")
	d := openFake(t, Options{})
	sum := up(t, d, 1, 1, 0, []float32{0})
	for i := range 100 { // 100 times 40 KiB
		x := up(t, d, 1, 10<<10, 0, nil)
		d.Clear(x)
		if err := d.Upload(x.Window(0, 0, 1, 1), []float32{float32(i)}); err != nil {
			t.Fatal(err)
		}
		d.Add(sum, sum, x.Window(0, 0, 1, 1))
		d.Free(x.Buffer)
	}
	if got := down(t, d, sum)[0]; got != 4950 {
		t.Errorf("the sum is %v", got)
	}
	if free, total, err := d.free(); err != nil || total-free > 64<<10 {
		t.Errorf("%d of %d bytes are free: %v", free, total, err)
	}
	if _, err := d.Alloc(1 << 19); err == nil {
		t.Error("more is allocated than there is")
	}
}

// TestStaging: what goes up may change at once, whatever its size and order, also where no memory can be pinned; and comes down.
func TestStaging(t *testing.T) {
	for _, pinned := range []string{"", "0", fmt.Sprint(3 * stagingHalf)} {
		t.Setenv("CUDASIM_PINNED", pinned)
		d := openFake(t, Options{})
		r := newDice(1)
		src := make([]float32, 3*stagingHalf/4+77)
		var arrays []kernels.Array
		var want [][]float32
		for _, n := range []int{1, 63, 64, 65, 999, 1000, 1001, mostPut / 4, mostPut/4 + 1, 300000, len(src), 5} {
			x := src[:n]
			for i := range x {
				x[i] = float32(r.Uint32() >> 8)
			}
			arrays, want = append(arrays, up(t, d, 1, n, 0, x)), append(want, append([]float32(nil), x...))
			for i := range x {
				x[i] = -1
			}
		}
		for i, a := range arrays {
			same(t, fmt.Sprint(len(want[i]), " floats"), down(t, d, a), want[i])
		}
		all := make([]kernels.Download, len(arrays))
		for _, n := range []int{4, len(arrays)} { // as one copy, and as several
			for i := range all[:n] {
				all[i] = kernels.Download{Dst: make([]float32, len(want[i])), Src: arrays[i]}
			}
			if err := d.DownloadAll(all[:n]); err != nil {
				t.Fatal(err)
			}
			for i := range all[:n] {
				same(t, fmt.Sprint(len(want[i]), " floats of several"), all[i].Dst, want[i])
			}
		}
		odd := make([]byte, 301) // bytes that are no whole words
		for i := range odd {
			odd[i] = byte(i)
		}
		at := up(t, d, 1, 76, 0, nil)
		d.locked(func() {
			p, err := place(d, odd)
			if err != nil {
				t.Fatal(err)
			}
			d.copyRows(d.at(at.Buffer), 75, p, 75, 1, 75)
		})
		for i, v := range down(t, d, at.Window(0, 0, 1, 75)) {
			if want := uint32(4*i)&255 | uint32(4*i+1)&255<<8 | uint32(4*i+2)&255<<16 | uint32(4*i+3)&255<<24; want != math.Float32bits(v) {
				t.Fatalf("word %d is %x, want %x", i, math.Float32bits(v), want)
			}
		}
	}
}

// TestLateErrors: what goes wrong in a launch is the error of the next wait, and names what ran.
func TestLateErrors(t *testing.T) {
	cudatest.FakeOnly(t)
	for fail, graph := range map[string]bool{"cuStreamSynchronize:719": false, "cuStreamSynchronize:700": true} {
		t.Setenv("CUDASIM_FAIL", "")
		d := openFake(t, Options{})
		x := up(t, d, 1, 1, 0, nil)
		if graph {
			for range 3 {
				times(t, d, x, 1, 9)
			}
		}
		t.Setenv("CUDASIM_FAIL", fail)
		if err := d.Upload(x, []float32{1}); err != nil {
			t.Fatal(err)
		}
		for range 9 {
			d.Add(x, x, x)
		}
		err := d.Download(make([]float32, 1), x)
		var e *Error
		if !errors.As(err, &e) || !e.Lost() || !strings.Contains(err.Error(), "put_256, add") {
			t.Errorf("graph %v: %v", graph, err)
		}
		if again := d.Upload(x, []float32{1}); !errors.Is(again, err) {
			t.Errorf("graph %v: after it %v", graph, again)
		}
		d.Close()
	}
}

// TestTwoRuns: operations of two goroutines on one device do not mix.
func TestTwoRuns(t *testing.T) {
	d := openFake(t, Options{})
	var both sync.WaitGroup
	for g := range 2 {
		x := up(t, d, 1, 1, 0, nil)
		table := up(t, d, 4, 1, 0, []float32{1, 2, 4, 8})
		y := up(t, d, 2, 1, 0, nil)
		both.Go(func() {
			for i := range 50 {
				if err := d.Upload(x, []float32{float32(i)}); err != nil {
					t.Error(err)
				}
				for range 9 {
					d.Add(x, x, x)
				}
				d.CopyRows(y, nil, table, []int{i % 4, g})
				got := make([]float32, 1)
				if err := d.Download(got, x); err != nil || got[0] != float32(i)*512 {
					t.Errorf("%v, want %v: %v", got, float32(i)*512, err)
				}
				two := make([]float32, 2)
				if err := d.Download(two, y); err != nil || two[0] != float32(int(1)<<(i%4)) || two[1] != float32(int(1)<<g) {
					t.Errorf("rows %v: %v", two, err)
				}
				b, err := d.Alloc(100)
				if err != nil {
					t.Error(err)
				}
				d.Clear(b.Row())
				d.Free(b)
			}
		})
	}
	both.Wait()
}
