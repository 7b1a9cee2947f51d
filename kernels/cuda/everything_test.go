//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
)

// sizes bound the shapes of TestEverything.
type sizes struct{ rows, cols, steps int }

// both are a device and the processor, which are given the same.
type both struct {
	t    *testing.T
	dice dice
	sizes
	kind int // of values
	cpu  *cpu.Device
	gpu  *Device
	what string
	bad  bool
}

// pair is one array on each.
type pair struct{ cpu, gpu kernels.Array }

func (b *both) fatal(err error) {
	if err != nil {
		b.t.Fatalf("%s: %v", b.what, err)
	}
}

// about is a number from 1 to most; small ones, and those around multiples of 32, are likelier than others.
func (b *both) about(most int) int {
	n := 1 + b.dice.IntN(most)
	switch b.dice.IntN(4) {
	case 0:
		n = 1 + b.dice.IntN(min(most, 9))
	case 1:
		n = n/32*32 + b.dice.IntN(3) - 1
	}
	return max(1, min(n, most))
}

// of is x on both, in rows that are some elements apart.
func (b *both) of(rows, cols int, x []float32) pair {
	pad := b.dice.IntN(4) * b.dice.IntN(4)
	p := pair{gpu: up(b.t, b.gpu, rows, cols, pad, x)}
	p.cpu = kernels.HostArray(rows, cols, slices.Clone(x))
	return p
}

// array is a random one.
func (b *both) array(rows, cols int) pair { return b.of(rows, cols, b.dice.floats(rows*cols, b.kind)) }

// vector is a random buffer.
func (b *both) vector(n int) pair {
	x := b.dice.floats(n, b.kind)
	return pair{kernels.HostArray(1, n, x), up(b.t, b.gpu, 1, n, 0, slices.Clone(x))}
}

// on runs f with the arrays of either device.
func (b *both) on(f func(d kernels.Device, at func(p pair) kernels.Array)) {
	f(b.cpu, func(p pair) kernels.Array { return p.cpu })
	f(b.gpu, func(p pair) kernels.Array { return p.gpu })
}

// same compares what the devices have computed.
func (b *both) same(results ...pair) {
	b.t.Helper()
	for i, p := range results {
		got, want := down(b.t, b.gpu, p.gpu), make([]float32, p.cpu.Rows*p.cpu.Cols)
		b.fatal(b.cpu.Download(want, p.cpu))
		if at := differ(got, want); at >= 0 {
			b.bad = true
			b.t.Errorf("%s: result %d, (%d, %d), %s: element (%d, %d) is %v (%08x) and on the processor %v (%08x)", b.what, i, p.cpu.Rows, p.cpu.Cols, valueNames[b.kind],
				at/p.cpu.Cols, at%p.cpu.Cols, got[at], math.Float32bits(got[at]), want[at], math.Float32bits(want[at]))
		}
	}
}

// weight is a random one of some layout, on both; transposed says that it is that of an Affine.
func (b *both) weight(rows, cols int) (host, on kernels.Placed) {
	layouts := []kernels.Layout{kernels.F32, kernels.BF16, kernels.F16, kernels.BF16Products}
	n := b.dice.IntN(len(layouts) + len(quantizings))
	var m kernels.Matrix
	if n < len(layouts) {
		m = b.dice.matrix(layouts[n], rows, cols, b.dice.IntN(2)*b.dice.IntN(9), b.kind)
	} else {
		p, err := reference.Quantize(b.dice.matrix(kernels.F32, rows, cols, 0, ordinary), quantizings[n-len(layouts)])
		b.fatal(err)
		m = p.Matrix()
	}
	b.what += fmt.Sprintf(" with weights of %T", m.Layout)
	return b.placed(m)
}

func (b *both) placed(m kernels.Matrix) (host, on kernels.Placed) {
	host, err := b.cpu.PlaceWeight(m)
	b.fatal(err)
	on, err = b.gpu.PlaceWeight(m)
	b.fatal(err)
	return host, on
}

// unlike are methods of devices that are no operations.
var unlike = []string{"Computes", "OnHost", "Alloc", "Free", "Upload", "Download", "DownloadAll", "PlaceWeight", "HasArithmetic"}

// TestEverythingIsThere: TestEverything runs every operation of a device.
func TestEverythingIsThere(t *testing.T) {
	var named []string
	for names := range everything {
		named = append(named, strings.Split(names, ", ")...)
	}
	device := reflect.TypeFor[kernels.Device]()
	for i := range device.NumMethod() {
		if name := device.Method(i).Name; !slices.Contains(named, name) && !slices.Contains(unlike, name) {
			t.Errorf("the operation %s is not compared at random shapes: give it an entry in everything", name)
		}
	}
}

// TestEverything compares every operation with the processor's, to the bit, at random shapes and values. LOUPE_SEED chooses others than a
// fixed few; LOUPE_SECONDS goes on for so long, with shapes as wide as a model's.
func TestEverything(t *testing.T) {
	seed, size, until := uint64(1), sizes{20, 70, 80}, time.Time{}
	if s := os.Getenv("LOUPE_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("LOUPE_SEED is %q; give a number", s)
		}
		seed = n
	}
	if s := os.Getenv("LOUPE_SECONDS"); s != "" {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("LOUPE_SECONDS is %q; give a number of seconds", s)
		}
		until, size = time.Now().Add(time.Duration(n*float64(time.Second))), sizes{160, 700, 1200}
		if os.Getenv("LOUPE_SMALL") == "1" {
			size = sizes{20, 70, 80}
		}
	}
	names := make([]string, 0, len(everything))
	for name := range everything {
		names = append(names, name)
	}
	slices.Sort(names)
	engine, err := kernels.New(kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	gpu, compared := open(t), 0
	for round := 0; round == 0 || time.Now().Before(until); round++ {
		t.Setenv("CUDASIM_ORDER", orders[round%len(orders)])
		for i, name := range names {
			b := &both{t: t, dice: dice{rand.New(rand.NewPCG(seed, uint64(round)<<16|uint64(i)))}, sizes: size, kind: (round + i) % nonFinite, cpu: cpu.New(engine), gpu: gpu, what: fmt.Sprintf("%s, seed %d, round %d", name, seed, round)}
			everything[name](b)
			if compared++; b.bad || t.Failed() {
				t.Fatalf("after %d comparisons; LOUPE_SEED=%d repeats it", compared, seed)
			}
		}
	}
	t.Logf("seed %d: %d comparisons of operations at random shapes up to %v", seed, compared, size)
}
