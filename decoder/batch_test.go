package decoder

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/weights"
)

// kernelsUnderTest are the engines to run a test on: the machine's own, and with LOUPE_LONG=1 every one that there is.
func kernelsUnderTest(t *testing.T) map[string]*kernels.Engine {
	out := map[string]*kernels.Engine{}
	add := func(path string, threads int) {
		e, err := kernels.New(kernels.Options{Kernels: path, Threads: threads})
		if err != nil {
			t.Logf("without kernels %s: %v", path, err)
			return
		}
		t.Cleanup(e.Close)
		out[fmt.Sprintf("%s, %d threads", path, threads)] = e
	}
	add("auto", 2)
	if os.Getenv("LOUPE_LONG") == "1" {
		for _, path := range []string{"avx512", "avx2", "neon", "generic"} {
			add(path, 1)
		}
	}
	return out
}

// TestBatch: 2 to 32 sequences of different lengths, some with pictures, some forks of others, join and leave a batch, are canceled and
// fail, and each has the bits and the end that it has alone, in every precision. With LOUPE_LONG=1 there are more of them, on all
// kernels.
func TestBatch(t *testing.T) {
	sizes := []int{2, 9, 32}
	if os.Getenv("LOUPE_LONG") == "1" {
		sizes = []int{2, 3, 5, 8, 13, 17, 32}
	}
	for name, e := range kernelsUnderTest(t) {
		for _, precision := range []string{"exact", "bf16", "int8", "int4"} {
			t.Run(name+", "+precision, func(t *testing.T) {
				m := testModel(t, e, precision)
				m.Pages = NewPagePool(weights.OneDevice(cpu.New(nil)), testConfig, 4)
				forks, failed := 0, 0
				for _, n := range sizes {
					all := scripts(n, 1)
					for _, s := range all {
						if s.alone(m, cpu.New(e)); s.err != nil {
							failed++
						}
					}
					b := &runner{m: m, dev: cpu.New(e)}
					if err := b.run(all); err != nil {
						t.Errorf("%d sequences: %v", n, err)
					}
					if forks += b.forks; b.most < 2 || b.most < n*2/3 {
						t.Errorf("at most %d of %d sequences run together: the test compares too little", b.most, n)
					}
				}
				if forks == 0 || failed == 0 {
					t.Errorf("%d sequences are forks and %d fail: the test compares too little", forks, failed)
				}
			})
		}
	}
}

// TestBatchFaults: what the test above looks for is what it finds.
func TestBatchFaults(t *testing.T) {
	e, err := kernels.New(kernels.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m := testModel(t, e, "exact")
	all := scripts(12, 1)
	m.Pages = NewPagePool(weights.OneDevice(cpu.New(nil)), testConfig, 4)
	for _, s := range all {
		s.alone(m, cpu.New(e))
	}
	two := func(live []*member) (a, b *member) { // two that have pages, and go on
		for _, x := range live {
			if x.cache.Len() > 4 && x.read+1 < x.cancel && x.err == nil {
				if a == nil {
					a = x
				} else if !slices.Equal(x.ids[:4], a.ids[:4]) {
					return a, x
				}
			}
		}
		return nil, nil
	}
	for name, fault := range map[string]func(a, b *member){
		"none":                         nil,
		"a page of another sequence":   func(a, b *member) { a.cache.held.pages[0] = b.cache.held.pages[0] },
		"a page that came back":        func(a, b *member) { m.Pages.release(a.cache.held.pages[:1]) },
		"the last page of another":     func(a, b *member) { a.cache.held.pages[(a.cache.n-1)/4] = b.cache.held.pages[(b.cache.n-1)/4] },
		"a position that is not there": func(a, b *member) { a.cache.n++ },
		"a height of another position": func(a, b *member) {
			s := *a.script
			s.pos = Positions{s.pos[0], s.pos[1][1:], s.pos[2]}
			a.script = &s
		},
		"a key that changed": func(a, b *member) { m.Pages.keys(a.cache.held.pages[0], 1).Row(2)[5] += 1e-3 },
	} {
		t.Run(name, func(t *testing.T) {
			m.Pages = NewPagePool(weights.OneDevice(cpu.New(nil)), testConfig, 4)
			b, made := &runner{m: m, dev: cpu.New(e)}, false
			b.fault = func(step int, live []*member) {
				if x, y := two(live); fault != nil && y != nil && !made {
					made = true
					fault(x, y)
				}
			}
			if err := b.run(all); (err == nil) != (fault == nil) {
				t.Errorf("the test says %v", err)
			} else if err != nil {
				t.Log(err)
			}
			if fault != nil && !made {
				t.Error("the fault was not made")
			}
		})
	}
}

// TestBatchRefuses: what cannot be a step of several sequences is refused before it runs.
func TestBatchRefuses(t *testing.T) {
	pool := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4)
	c := pool.NewCache()
	pos := Positions{{0}, {0}, {0}}
	b := new(Batch)
	if err := b.Add(c, []int{1}, pos, nil); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"one cache":       b.Add(c, []int{1}, pos, nil),
		"no tokens":       b.Add(pool.NewCache(), nil, Positions{}, nil),
		"positions on ax": b.Add(pool.NewCache(), []int{1}, Positions{{0}, {}, {0}}, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
	if b.Len() != 1 {
		t.Errorf("%d sequences take part", b.Len())
	}
}
