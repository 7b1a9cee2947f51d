package bench

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/peak"
	loupe "github.com/loupe-vl/loupe/runtime"
)

func embedded(t *testing.T) (*loupe.Model, Options) {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	pictures, err := loupe.Pictures(nil)
	if err != nil {
		t.Fatal(err)
	}
	img, err := pictures[0].Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, Options{What: []string{"prefill"}, Tokens: 20, Image: img, Batch: []int{3}, Answer: 40, Each: 5 * time.Millisecond}
}

// TestRun measures everything there is: each line is whole.
func TestRun(t *testing.T) {
	m, o := embedded(t)
	o.What = []string{"train", "image", "batch", "decode", "prefill"}
	var told []string
	o.Progress = func(what string) { told = append(told, what) }
	results, peaks, err := Run(context.Background(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, r.What+" "+r.Limit)
		if r.Precision != "exact" || r.Threads != 2 {
			t.Errorf("%s: precision %q, %d threads", r.What, r.Precision, r.Threads)
		}
		want := map[string]float64{"fp32_fma": peaks.FMA, "read": peaks.Read}[r.Limit]
		reached := map[string]float64{"fp32_fma": r.GFLOPPerS, "read": r.GBPerS}[r.Limit]
		if !(r.OfLimit > 0) || r.LimitPerS != want || math.Abs(r.OfLimit*want-reached) > 1e-9*reached {
			t.Errorf("%s: %v of limit %v (measured %v), reached %v", r.What, r.OfLimit, r.LimitPerS, want, reached)
		}
		if speed := r.What == "prefill" || strings.HasPrefix(r.What, "decode"); (r.TokensPerS > 0) != speed || (r.S > 0) == speed {
			t.Errorf("%s: %v tokens/s, %v s", r.What, r.TokensPerS, r.S)
		}
	}
	if d := cmp.Diff([]string{"prefill fp32_fma", "decode read", "image encode fp32_fma", "lora train step fp32_fma", "decode of 3 read"}, got); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
	limits := "the limits of the machine"
	if d := cmp.Diff([]string{limits, "prefill", "decode", "image encode", "lora train step", "decode of 3", limits}, told); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
}

// TestResultKeys: scripts rely on these names.
func TestResultKeys(t *testing.T) {
	keys := func(r measured) []string {
		data, err := json.Marshal(result("x", loupe.Options{Precision: "exact", Threads: 1}, r, Limits{Peaks: peak.Peaks{FMA: 100}}))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		var out []string
		for k := range m {
			out = append(out, k)
		}
		slices.Sort(out)
		return out
	}
	common := []string{"gb_per_s", "gflop_per_s", "limit", "limit_per_s", "of_limit", "peak_rss_mb", "precision", "threads", "what"}
	for name, c := range map[string]struct {
		r    measured
		more string
	}{
		"tokens":  {measured{time: time.Second, tokens: 3}, "tokens_per_s"},
		"seconds": {measured{time: time.Second}, "s"},
	} {
		want := append(slices.Clone(common), c.more)
		slices.Sort(want)
		if d := cmp.Diff(want, keys(c.r)); d != "" {
			t.Errorf("%s: keys (-want +got):\n%s", name, d)
		}
	}
}

func TestLimit(t *testing.T) {
	all := Limits{Peaks: peak.Peaks{FMA: 100, BF16: 180, Int8: 400, Read: 20}}
	for _, c := range []struct {
		what, precision string
		peaks           Limits
		name            string
		value           float64
	}{
		{"prefill", "exact", all, "fp32_fma", 100},
		{"image encode", "exact", all, "fp32_fma", 100},
		{"lora train step", "exact", all, "fp32_fma", 100},
		{"decode", "exact", all, "read", 20},
		{"prefill", "bf16", all, "bf16_dot", 180},
		{"prefill", "bf16", Limits{Peaks: peak.Peaks{FMA: 100}}, "fp32_fma", 100},
		{"decode", "bf16", all, "read", 20},
		{"prefill", "int8", all, "int8_dot", 400},
		{"prefill", "int4", all, "int8_dot", 400},
		{"prefill", "int4", Limits{Peaks: peak.Peaks{FMA: 100}}, "fp32_fma", 100},
		{"decode", "int4", all, "read", 20},
	} {
		name, value := limit(c.what, c.precision, c.peaks)
		if name != c.name || value != c.value {
			t.Errorf("%s in %s: limit %s %v, want %s %v", c.what, c.precision, name, value, c.name, c.value)
		}
	}
}

// TestDeviceLimit: on a device the slower of arithmetic and reading bounds; decoding one answer always reads.
func TestDeviceLimit(t *testing.T) {
	p := &kernels.Peaks{FMA: 100, Int8: 800, BF16: 400, Read: 10}
	for _, c := range []struct {
		what, precision string
		cost            Cost
		name            string
		value           float64
	}{
		{"prefill", "exact", Cost{1000, 1}, "fp32_fma", 100},
		{"prefill", "bf16", Cost{1000, 1}, "fp32_fma", 100},
		{"prefill", "int4", Cost{1000, 1}, "int8_mma", 800},
		{"prefill", "bf16-mma", Cost{1000, 1}, "bf16_mma", 400},
		{"decode", "exact", Cost{1000, 1}, "read", 10},
		{"decode of 8", "exact", Cost{100, 20}, "read", 10},
		{"decode of 32", "exact", Cost{400, 20}, "fp32_fma", 100},
		{"decode of 32", "int8", Cost{400, 20}, "read", 10},
	} {
		if name, value := deviceLimit(c.what, c.precision, c.cost, p); name != c.name || value != c.value {
			t.Errorf("%+v: %s, %v", c, name, value)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	m, good := embedded(t)
	for _, c := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"nothing", func(o *Options) { o.What = nil }, "bench.Options.What"},
		{"a word", func(o *Options) { o.What = []string{"prefill", "speed"} }, "speed"},
		{"no tokens", func(o *Options) { o.Tokens = 0 }, "bench.Options.Tokens"},
		{"no batch", func(o *Options) { o.What, o.Batch = []string{"batch"}, nil }, "bench.Options.Batch"},
		{"a batch of none", func(o *Options) { o.What, o.Batch = []string{"batch"}, []int{2, 0} }, "bench.Options.Batch"},
		{"no answer", func(o *Options) { o.What, o.Answer = []string{"train"}, 0 }, "bench.Options.Answer"},
		{"no time", func(o *Options) { o.Each = 0 }, "bench.Options.Each"},
		{"too many tokens", func(o *Options) { o.Tokens = m.Config.Text.MaxPositionEmbeddings }, "bench.Options.Tokens"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good
			c.change(&o)
			results, _, err := Run(context.Background(), m, o)
			if len(results) > 0 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d results, error %v; want one that speaks of %s", len(results), err, c.want)
			}
		})
	}
}

func TestRunStops(t *testing.T) {
	m, o := embedded(t)
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(what string) {
		if what == "prefill" {
			cancel()
		}
	}
	if _, _, err := Run(ctx, m, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled run ends with %v", err)
	}
}

// TestBest: twice at least, the shortest time, and no more when the time is up.
func TestBest(t *testing.T) {
	times := []time.Duration{5, 3, 4}
	n := 0
	run := func() (time.Duration, error) { n++; return times[(n-1)%3], nil }
	if got, err := best(0, run); got != 3 || err != nil || n != 2 {
		t.Errorf("best of two is %v, %v, after %d runs", got, err, n)
	}
	n = 0
	if got, err := best(time.Hour, run); got != 3 || err != nil || n != mostTimes {
		t.Errorf("best of many is %v, %v, after %d runs", got, err, n)
	}
	broken := errors.New("broken")
	if _, err := best(0, func() (time.Duration, error) { return 0, broken }); err != broken {
		t.Errorf("a run that fails gives %v", err)
	}
}
