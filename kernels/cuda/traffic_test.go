//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// traffic is what the fake driver counted of a kernel's launches: see sim/traffic.cc.
type traffic struct {
	requests, accesses     int // of shared memory
	copies, sectors, least int // of global memory
}

// trafficOf counts what f launches, by kernel.
func trafficOf(t *testing.T, d *Device, f func()) map[string]traffic {
	t.Helper()
	cudatest.FakeOnly(t)
	file := filepath.Join(t.TempDir(), "traffic")
	t.Setenv("CUDASIM_TRAFFIC", file)
	f()
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CUDASIM_TRAFFIC", "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]traffic{}
	for line := range strings.Lines(string(text)) {
		var name string
		var at, n, m, l int
		if _, err := fmt.Sscanf(line, "%s line %d requests %d accesses %d", &name, &at, &n, &m); err == nil {
			c := out[name]
			c.requests, c.accesses = c.requests+n, c.accesses+m
			out[name] = c
		} else if _, err := fmt.Sscanf(line, "%s copies %d sectors %d least %d", &name, &n, &m, &l); err == nil {
			c := out[name]
			c.copies, c.sectors, c.least = c.copies+n, c.sectors+m, c.least+l
			out[name] = c
		} else {
			t.Fatalf("the fake driver wrote %q", line)
		}
	}
	return out
}

// TestTraffic holds how often the loops of products go to shared memory, and how much their copies read that nobody asked for. A change that
// makes lanes meet in a bank, or rows be read in pieces, changes no number that is computed; this finds it.
func TestTraffic(t *testing.T) {
	d := open(t)
	defer func() { chooseLow = lowTiles }()
	for _, c := range []struct {
		kernel            string
		rows, cols, steps int
		kind              kernels.Layout
		form              kernels.Form
		accesses, sectors float64 // for a load, and over what has to be read
	}{
		{"tile_f32", 128, 128, 64, kernels.F32, kernels.TransW, 2, 1},
		{"tile_bf16", 256, 64, 64, kernels.BF16, kernels.TransW, 2, 1},
		{"tile_bf16_low", 64, 64, 64, kernels.BF16, kernels.TransW, 2, 1},
		{"tile_plain_f32", 128, 64, 64, kernels.F32, kernels.Plain, 2, 1},
		{"rows_bf16_1", 1, 64, 256, kernels.BF16, kernels.TransW, 4, 1}, // of x all lanes load the same
		{"rows_bf16_16", 16, 32, 256, kernels.BF16, kernels.TransW, 4, 1},
		{"rows_f32_1", 1, 32, 256, kernels.F32, kernels.TransW, 4, 1},
	} {
		chooseLow = func(int, int, int, int) bool { return strings.HasSuffix(c.kernel, "_low") }
		r := newDice(1)
		w := r.matrix(c.kind, c.cols, c.steps, 0, ordinary)
		if c.form&kernels.TransW == 0 {
			w = r.matrix(c.kind, c.steps, c.cols, 0, ordinary)
		}
		placed, err := d.PlaceWeight(w)
		if err != nil {
			t.Fatal(err)
		}
		dst, x := up(t, d, c.rows, c.cols, 0, nil), up(t, d, c.rows, c.steps, 0, r.floats(c.rows*c.steps, ordinary))
		seen := trafficOf(t, d, func() { d.MatMul(dst, x, placed, c.form) })[c.kernel]
		if seen.requests == 0 || seen.copies == 0 {
			t.Errorf("%s: %+v: nothing was counted", c.kernel, seen)
			continue
		}
		if a, s := float64(seen.accesses)/float64(seen.requests), float64(seen.sectors)/float64(seen.least); a > c.accesses || s > c.sectors {
			t.Errorf("%s: %.2f accesses for a load of shared memory, at most %g; %.2f times the sectors that hold what is asked for, at most %g", c.kernel, a, c.accesses, s, c.sectors)
		}
	}
}
