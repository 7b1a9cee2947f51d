//go:build cuda && linux && cgo

package loupe

import (
	"context"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// TestFakeGPUSteps: a step of decoding is one graph, one copy down and one wait, and allocates nothing, for one sequence and for several;
// with graphs and without, early and late, alone and beside others, the logits are the processor's; and so is the error of a number that is
// not finite.
func TestFakeGPUSteps(t *testing.T) {
	library := cudatest.Driver(t, filepath.Join("..", "kernels", "cuda"))
	cudatest.FakeOnly(t)
	t.Setenv("CUDASIM_LAZY", "1") // whoever reads, or frees, before it waits is found
	load := func(o Options) *Model {
		o.MaxPixels = 28 * 28 * 16
		m, err := Embedded(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	own, m := load(Options{Device: "cpu"}), load(Options{Device: "cuda"})

	t.Run("calls", func(t *testing.T) {
		for _, n := range []int{1, 5} {
			step := stepOf(t, m, n)
			for range 4 {
				step()
			}
			names := []string{"cuGraphLaunch", "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize", "cuLaunchKernel", "cuMemcpyHtoDAsync_v2", "cuGraphCreate", "cuMemAlloc_v2", "cuMemFree_v2", "cuEventSynchronize"}
			before := cudatest.Calls(t, library, names...)
			step()
			got := cudatest.Calls(t, library, names...)
			for i := range got {
				got[i] -= before[i]
			}
			if want := []int{1, 1, 1, 0, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
				t.Errorf("a step of %d sequences calls %v %v times, want %v", n, names, got, want)
			}
		}
	})
	t.Run("allocations", func(t *testing.T) {
		if racing {
			t.Skip("the race detector makes pools drop what they are given")
		}
		for _, n := range []int{1, 5} {
			step := stepOf(t, m, n)
			for range 4 {
				step()
			}
			old := debug.SetGCPercent(-1)
			allocated := testing.AllocsPerRun(10, step)
			for range 4 { // what other goroutines of the test binary allocate counts too, but not every time
				allocated = min(allocated, testing.AllocsPerRun(10, step))
			}
			if debug.SetGCPercent(old); allocated > 0 {
				t.Errorf("a step of %d sequences allocates %v times", n, allocated)
			}
		}
	})
	t.Run("bits", func(t *testing.T) {
		want := answers(t, own)
		if d := cmp.Diff(want, answers(t, m)); d != "" {
			t.Errorf("(-processor +GPU)\n%s", d)
		}
		var both sync.WaitGroup
		for range 2 { // whose operations alternate
			both.Go(func() {
				if d := cmp.Diff(want, answers(t, m)); d != "" {
					t.Errorf("beside others: (-processor +GPU)\n%s", d)
				}
			})
		}
		both.Wait()
		t.Setenv("CUDA_LAUNCH_BLOCKING", "1") // turns graphs off
		before := cudatest.Calls(t, library, "cuGraphLaunch")
		if d := cmp.Diff(want, answers(t, load(Options{Device: "cuda"}))); d != "" {
			t.Errorf("without graphs: (-processor +GPU)\n%s", d)
		}
		if !slices.Equal(before, cudatest.Calls(t, library, "cuGraphLaunch")) {
			t.Error("graphs were launched without graphs")
		}
	})
	t.Run("not finite", func(t *testing.T) { sameNonFinite(t, own, m, 3) })
}

// stepOf is a step of n sequences of one model.
func stepOf(t *testing.T, m *Model, n int) func() {
	t.Helper()
	var all []*Sequence
	for i := range n {
		a, err := m.Answer(context.Background(), textPrompt(t, slices.Repeat([]int{3, 1, 4}, 1+i)...), Generation{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Close)
		all = append(all, a.Sequence)
	}
	return func() {
		for i, q := range all {
			q.last.ID, q.unread = 9+i, true
		}
		if err := m.Step(context.Background(), all); err != nil {
			t.Error(err)
		}
	}
}

// answers are the digests of some answers, alone and together.
func answers(t *testing.T, m *Model) (out []string) {
	all := make([]*Sequence, 3)
	for i := range all {
		a, err := m.Answer(context.Background(), textPrompt(t, slices.Repeat([]int{3, 1, 4, 1, 5}, 1+i)...), Generation{IgnoreEOS: true})
		if err != nil {
			t.Error(err)
			return nil
		}
		defer a.Close()
		all[i] = a.Sequence
	}
	for range 8 {
		for _, q := range all {
			if _, err := q.Next(); err != nil {
				t.Error(err)
			}
		}
		if err := m.Step(context.Background(), all); err != nil {
			t.Error(err)
		}
	}
	for _, q := range all {
		out = append(out, q.LogitsDigest())
	}
	for range 6 {
		if _, err := all[0].Next(); err != nil {
			t.Error(err)
		}
		all[0].read()
	}
	return append(out, all[0].LogitsDigest())
}
